// m4's translit and format: characters for characters, and printf.
import { fail, ok, type Result } from "../mail/result.ts"

/** Replaces each character of `from` by the one at its place in `to`, or by nothing; a-z is a range, in both directions. */
export function translit(text: string, from: string, to: string): string {
  const source = [...ranges(from)]
  const target = [...ranges(to)]
  const replacement = new Map<string, string>()
  for (const [index, character] of source.entries()) {
    if (!replacement.has(character)) replacement.set(character, target[index] ?? "")
  }
  let result = ""
  for (const character of text) result += replacement.get(character) ?? character
  return result
}

function* ranges(text: string): Generator<string> {
  for (let index = 0; index < text.length; index++) {
    const first = text.charCodeAt(index)
    const last = text.charCodeAt(index + 2)
    if (text[index + 1] !== "-" || Number.isNaN(last)) {
      yield text[index] ?? ""
      continue
    }
    const step = first <= last ? 1 : -1
    for (let code = first; code !== last + step; code += step) yield String.fromCharCode(code)
    index += 2
  }
}

const conversion = /%([-+ 0#]*)(\*|[0-9]*)(?:\.(\*|[0-9]*))?(?:hh|h|ll|l)?([diouxXcsaAeEfFgG%])/y

/** printf with m4's conversions; absent arguments are "" and 0. */
export function formatText(form: string, args: readonly string[]): Result<string> {
  let result = ""
  let next = 0
  const take = () => args[next++] ?? ""
  for (let at = 0; at < form.length; ) {
    const percent = form.indexOf("%", at)
    if (percent < 0) return ok(result + form.slice(at))
    result += form.slice(at, percent)
    conversion.lastIndex = percent
    const match = conversion.exec(form)
    if (match === null) return fail(`unrecognized specifier in "${form.slice(percent)}"`)
    at = conversion.lastIndex
    const [, flags = "", width = "", precision, letter = ""] = match
    if (letter === "%") {
      result += "%"
      continue
    }
    const wide = width === "*" ? Number(take()) : Number(width)
    const exact = precision === "*" ? Number(take()) : precision === undefined ? undefined : Number(precision)
    const left = flags.includes("-") || wide < 0
    const body = convert(letter, take(), flags, exact)
    const zeros =
      flags.includes("0") &&
      !left &&
      !"sc".includes(letter) &&
      (exact === undefined || !"diouxX".includes(letter))
    result += pad(body, Math.min(Math.abs(wide), 100_000), left, zeros)
  }
  return ok(result)
}

function pad(text: string, width: number, left: boolean, zeros: boolean): string {
  if (left) return text.padEnd(width)
  if (!zeros) return text.padStart(width)
  const sign = /^[-+ ]?(?:0[xX])?/.exec(text)?.[0] ?? ""
  return sign + text.slice(sign.length).padStart(width - sign.length, "0")
}

function convert(letter: string, value: string, flags: string, precision: number | undefined): string {
  if (letter === "s") return precision === undefined ? value : value.slice(0, precision)
  if (letter === "c") return String.fromCharCode(Number.parseInt(value, 10) & 255)
  return "diouxX".includes(letter)
    ? convertInteger(letter, Number.parseInt(value, 10) | 0, flags, precision)
    : convertFloat(letter, Number(value), flags, precision ?? 6)
}

function convertInteger(letter: string, value: number, flags: string, precision: number | undefined): string {
  if (letter === "d" || letter === "i") {
    const digits = precision === 0 && value === 0 ? "" : String(Math.abs(value)).padStart(precision ?? 0, "0")
    return signOf(value < 0, flags) + digits
  }
  const radix = letter === "o" ? 8 : letter === "u" ? 10 : 16
  const digits = (value >>> 0).toString(radix).padStart(precision ?? 0, "0")
  const prefix = !flags.includes("#") || value === 0 ? "" : radix === 16 ? "0x" : radix === 8 ? "0" : ""
  return letter === "X" ? (prefix + digits).toUpperCase() : prefix + digits
}

function convertFloat(letter: string, value: number, flags: string, precision: number): string {
  const size = Math.abs(value)
  const kind = letter.toLowerCase()
  const digits = Math.min(precision, 100)
  const text =
    kind === "f" ? size.toFixed(digits) : kind === "e" ? exponential(size, digits) : general(size, digits)
  const signed = signOf(value < 0, flags) + text
  return letter === kind ? signed : signed.toUpperCase()
}

function exponential(value: number, precision: number): string {
  return value.toExponential(precision).replace(/e([+-])(\d)$/, "e$10$2")
}

function general(value: number, precision: number): string {
  const significant = Math.max(1, precision)
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(value))
  const text =
    exponent < -4 || exponent >= significant
      ? exponential(value, significant - 1)
      : value.toFixed(Math.max(0, significant - 1 - exponent))
  return text.includes(".") ? text.replace(/\.?0+(?=e|$)/, "") : text
}

function signOf(negative: boolean, flags: string): string {
  if (negative) return "-"
  return flags.includes("+") ? "+" : flags.includes(" ") ? " " : ""
}
