// FEATUREs that come to nothing without another: a line that would do nothing is a mistake, and is told as one.
import { error, type Issue } from "./issues.ts"
import { wordsOf } from "./feature-words.ts"
import type { Settings } from "./settings.ts"

type Need = {
  readonly other: string
  readonly why: string
  /** Only a line that says this needs it. */
  readonly said?: string
}

const needs: Readonly<Record<string, Need>> = {
  bimi: { other: "dmarc", why: "nobody is known to speak for the author's domain" },
  arc: { other: "dkim_sign", why: "there are no keys to seal with", said: "seal" },
}

/** What lacks what it needs, in whatever order the lines stand. */
export function missingFeatures({ features }: Pick<Settings, "features">): readonly Issue[] {
  return Object.entries(needs).flatMap(([name, { other, why, said }]) => {
    const used = features.get(name)?.find((one) => said === undefined || wordsOf(one).has(said))
    if (used === undefined || features.has(other)) return []
    const says = `FEATURE(\`${name}'): without FEATURE(\`${other}') ${why}`
    return [error("order", says, used.at, `add FEATURE(\`${other}'), or take this line away`)]
  })
}
