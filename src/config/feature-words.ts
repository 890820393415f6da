// Arguments of our own FEATUREs that are words with values, `fail=reject, softfail=mark', in one argument or several. What a FEATURE
// takes stands in its row (features.ts); here they are read, and looked over when the configuration is.
import { error, type Issue, suggestion } from "./issues.ts"
import type { FeatureUse } from "./settings.ts"
import { parseSeconds } from "./values.ts"

/** What a word's value may be: one of these, a number, a time, or any text. */
export type WordKind = readonly string[] | "number" | "seconds" | "text"

/** The words a FEATURE takes, by name. */
export type FeatureWords = Readonly<Record<string, WordKind>>

/** Each word with its value, in lower case but for texts; a word alone has none. */
export function wordsOf({ args }: Pick<FeatureUse, "args">): ReadonlyMap<string, string> {
  const words = new Map<string, string>()
  for (const piece of args.flatMap((argument) => argument.split(/[,\s]+/))) {
    if (piece === "") continue
    const equals = piece.indexOf("=")
    const name = (equals < 0 ? piece : piece.slice(0, equals)).toLowerCase()
    words.set(name, equals < 0 ? "" : piece.slice(equals + 1))
  }
  return words
}

/** A time among the words, in seconds; what is wrong with it was told when the configuration was read. */
export function secondsOf(words: ReadonlyMap<string, string>, name: string, byDefault: number): number {
  const text = words.get(name)
  const read = text === undefined ? undefined : parseSeconds(text, "s")
  return read?.ok === true ? read.value : byDefault
}

/** A number among the words. */
export function numberOf(words: ReadonlyMap<string, string>, name: string, byDefault: number): number {
  const text = words.get(name)
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : byDefault
}

/** What is wrong with the words of a FEATURE. */
export function wrongWords(use: FeatureUse, allowed: FeatureWords): readonly Issue[] {
  return [...wordsOf(use)].flatMap(([name, value]) => {
    const kind = Object.hasOwn(allowed, name) ? allowed[name] : undefined
    const where = `FEATURE(\`${use.name}')`
    if (kind === undefined) {
      const hint = suggestion(name, Object.keys(allowed))
      return [error("bad-arguments", `${where} knows no "${name}"`, use.at, hint)]
    }
    const wrong = wrongValue(value, kind)
    return wrong === undefined ? [] : [error("bad-value", `${where}: ${name}= ${wrong}`, use.at)]
  })
}

function wrongValue(value: string, kind: WordKind): string | undefined {
  if (kind === "text") return value === "" ? "needs a value" : undefined
  if (kind === "number") return /^\d{1,9}$/.test(value) ? undefined : `needs a number, not "${value}"`
  if (kind === "seconds") {
    const read = parseSeconds(value, "s")
    return read.ok ? undefined : `needs a time: ${read.error}`
  }
  return kind.includes(value.toLowerCase()) ? undefined : `is one of ${kind.join(", ")}, not "${value}"`
}
