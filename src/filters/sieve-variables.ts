// What `set` does to a value on its way into a variable: modifiers by their precedence (RFC 5229 §4.1).
import type { Value } from "./sieve-checks.ts"

/** The value after all modifiers. */
export function changed(text: string, tags: ReadonlyMap<string, Value>): string {
  let value = text
  // 40
  if (tags.has("lower")) value = ascii(value, "toLowerCase")
  else if (tags.has("upper")) value = ascii(value, "toUpperCase")
  // 30
  if (tags.has("lowerfirst")) value = ascii(value.slice(0, 1), "toLowerCase") + value.slice(1)
  else if (tags.has("upperfirst")) value = ascii(value.slice(0, 1), "toUpperCase") + value.slice(1)
  // 20
  if (tags.has("quotewildcard")) value = value.replaceAll(/[*?\\]/g, String.raw`\$&`)
  else if (tags.has("quoteregex")) value = value.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  // 10
  return tags.has("length") ? String([...value].length) : value
}

function ascii(text: string, way: "toLowerCase" | "toUpperCase"): string {
  return text.replaceAll(/[A-Za-z]+/g, (letters) => letters[way]())
}
