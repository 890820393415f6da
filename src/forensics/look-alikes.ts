// Domains that are made to be taken for a known house: letters of other scripts, digits for letters, one letter off, the house's
// name as a part of another's.
import { domainToUnicode } from "node:url"
import { houseOf, houseWords, isFreeMail, organisation } from "./owners.ts"

export type LookAlike = {
  readonly house: string
  /** In words. */
  readonly how: string
  /** Nobody takes such a name by chance. */
  readonly sure: boolean
}

/** The house that this domain can be taken for. */
export function lookAlike(domain: string): LookAlike | undefined {
  if (domain.length > 253 || houseOf(domain) !== undefined || isFreeMail(domain)) return undefined
  return fromOtherScripts(domain) ?? asLabel(domain) ?? nearlyTheSame(domain)
}

/** Letters of other scripts that look like Latin ones (the commonest of Unicode's confusables). */
const twins: ReadonlyMap<string, string> = new Map(
  Object.entries({
    а: "a", в: "b", с: "c", ԁ: "d", е: "e", һ: "h", і: "i", ј: "j", к: "k", ӏ: "l", м: "m", н: "h", о: "o", р: "p", ԛ: "q", ѕ: "s",
    т: "t", у: "y", ѵ: "v", ԝ: "w", х: "x", α: "a", ο: "o", ν: "v", ι: "i", κ: "k", ρ: "p", τ: "t", υ: "u", χ: "x", ı: "i", ɡ: "g",
    ł: "l", ø: "o", đ: "d", ħ: "h", ß: "b",
  }),
) // biome-ignore format: a table

function fromOtherScripts(domain: string): LookAlike | undefined {
  const shown = domain.includes("xn--") ? domainToUnicode(domain) : domain
  if (/^[\u0000-\u007f]*$/.test(shown)) return undefined
  const plain = [...shown.normalize("NFD").replaceAll(/[\u0300-\u036f]/g, "")]
    .map((c) => twins.get(c) ?? c)
    .join("")
  const house = plain === shown ? undefined : houseOf(plain)
  if (house !== undefined)
    return { house, how: `it is written "${shown}", with letters that only look like those`, sure: true }
  const mixed = shown
    .split(".")
    .find((label) => /[a-z]/.test(label) && /[\u0370-\u03ff\u0400-\u04ff]/.test(label))
  if (mixed === undefined) return undefined
  return { house: "another name", how: `"${mixed}" mixes letters of two scripts`, sure: true }
}

/** `paypal.com.example.net`, `paypal.example.net`, `paypal-secure.com`. */
function asLabel(domain: string): LookAlike | undefined {
  const labels = domain.split(".")
  const owner = organisation(domain)
  const below = labels.slice(0, labels.length - owner.split(".").length)
  for (let n = 0; n + 1 < below.length; n++) {
    const house = houseOf(`${below[n]}.${below[n + 1]}`)
    if (house !== undefined)
      return { house, how: `it begins with ${house}, but belongs to ${owner}`, sure: true }
  }
  const first = owner.split(".")[0] ?? ""
  for (const part of [...below, ...(first.includes("-") ? first.split("-") : [])]) {
    const house = houseWords.get(part)
    if (house !== undefined && !isSameWord(first, house) && !hostWords.has(part))
      return { house, how: `it has "${part}" in it, but belongs to ${owner}`, sure: false }
  }
  return undefined
}

/** Words that many houses call a host or a department by: `scanner@office.example.org`. */
const hostWords: ReadonlySet<string> = new Set(["office", "booking"])

function isSameWord(first: string, house: string): boolean {
  return first === house.split(".")[0]
}

/** Characters that are taken for others. */
function skeleton(label: string): string {
  return label
    .replaceAll("0", "o")
    .replaceAll(/[1!|]/g, "l")
    .replaceAll("3", "e")
    .replaceAll("5", "s")
    .replaceAll("rn", "m")
    .replaceAll("vv", "w")
}

function nearlyTheSame(domain: string): LookAlike | undefined {
  const label = organisation(domain).split(".")[0] ?? ""
  if (label.length < 5 || houseWords.has(label)) return undefined
  const plain = skeleton(label)
  for (const [word, house] of houseWords) {
    if (plain !== label && plain === skeleton(word))
      return { house, how: `"${label}" is "${word}" with other characters`, sure: true }
    if (word.length >= 6 && isOneOff(label, word))
      return { house, how: `"${label}" is one letter from "${word}"`, sure: false }
  }
  return undefined
}

/** One letter more, less, other, or two changed over. */
function isOneOff(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const restA = a.slice(start, a.length - end)
  const restB = b.slice(start, b.length - end)
  if (restA.length <= 1 && restB.length <= 1) return true
  return restA.length === 2 && restB.length === 2 && restA[0] === restB[1] && restA[1] === restB[0]
}
