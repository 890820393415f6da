// FEATUREs that come to nothing without another: a line that would do nothing is a mistake, and is told as one.
import { error, type Issue } from "./issues.ts"
import type { Settings } from "./settings.ts"

const needs: Readonly<Record<string, { readonly other: string; readonly why: string }>> = {
  bimi: { other: "dmarc", why: "nobody is known to speak for the author's domain" },
}

/** What lacks what it needs, in whatever order the lines stand. */
export function missingFeatures({ features }: Pick<Settings, "features">): readonly Issue[] {
  return Object.entries(needs).flatMap(([name, { other, why }]) => {
    const used = features.get(name)?.[0]
    if (used === undefined || features.has(other)) return []
    const says = `FEATURE(\`${name}'): without FEATURE(\`${other}') ${why}`
    return [error("order", says, used.at, `add FEATURE(\`${other}'), or take this line away`)]
  })
}
