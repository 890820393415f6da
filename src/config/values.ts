// Values as sendmail writes them: True, 5d, 1h30m, 10485760, `8:12'. One reader for each type of options.ts.
import { fail, ok, type Result } from "../mail/result.ts"
import type { OptionType } from "./option-row.ts"
import type { OptionValue } from "./settings.ts"

/** Reads an option's text as its type. The error is a sentence without the option's name. */
export function parseValue(text: string, type: OptionType): Result<OptionValue> {
  switch (type) {
    case "string":
      return ok(text)
    case "list":
      return ok(splitList(text))
    case "boolean":
      return parseBoolean(text)
    case "number":
      return parseNumber(text)
    case "octets":
      return parseOctets(text)
    case "seconds":
      return parseSeconds(text, "s")
    case "seconds-m":
      return parseSeconds(text, "m")
    case "seconds-h":
      return parseSeconds(text, "h")
    case "seconds-d":
      return parseSeconds(text, "d")
  }
}

/** Words parted by commas or blanks. */
function splitList(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "")
}

function parseBoolean(text: string): Result<boolean> {
  // sendmail: atobool. An empty value is true.
  if (/^(?:|t|true|y|yes|1|on)$/i.test(text)) return ok(true)
  if (/^(?:f|false|n|no|0|off)$/i.test(text)) return ok(false)
  return fail(`"${text}" is neither True nor False`)
}

function parseNumber(text: string): Result<number> {
  if (/^[+-]?[0-9]+$/.test(text)) return ok(Number(text))
  if (/^0x[0-9a-f]+$/i.test(text)) return ok(Number.parseInt(text, 16))
  return fail(`"${text}" is not a number`)
}

function parseOctets(text: string): Result<number> {
  const match = /^([0-9]+)\s*(?:([kmg])(?:i?b)?)?$/i.exec(text)
  if (match === null) return fail(`"${text}" is not a size in octets`)
  const unit = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(match[2] ?? "").toLowerCase()] ?? 1
  return ok(Number(match[1]) * unit)
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** `1d4h`, `30m`, or a bare number in the given unit. Kept in seconds. */
export function parseSeconds(text: string, unit: "s" | "m" | "h" | "d"): Result<number> {
  if (/^now$/i.test(text)) return ok(0)
  if (!/^(?:[0-9]+[smhdw]?)+$/i.test(text)) return fail(`"${text}" is not a time (30s, 5m, 1h30m, 5d)`)
  let seconds = 0
  for (const [, amount, letter] of text.matchAll(/([0-9]+)([smhdw]?)/gi)) {
    seconds += Number(amount) * (unitSeconds[(letter || unit).toLowerCase()] ?? 0)
  }
  return ok(seconds)
}

/** Seconds as sendmail would write them: 5d, 1h30m, 0. */
export function printSeconds(seconds: number): string {
  if (seconds === 0) return "0"
  let left = seconds
  let text = ""
  for (const letter of ["w", "d", "h", "m", "s"]) {
    const size = unitSeconds[letter] ?? 1
    const amount = Math.floor(left / size)
    if (amount > 0) text += `${amount}${letter}`
    left -= amount * size
  }
  return text
}

/** An option's value as one would write it in define(). */
export function printValue(value: OptionValue, type: OptionType): string {
  if (typeof value === "boolean") return value ? "True" : "False"
  if (typeof value === "number") return type.startsWith("seconds") ? printSeconds(value) : String(value)
  return typeof value === "string" ? value : value.join(",")
}
