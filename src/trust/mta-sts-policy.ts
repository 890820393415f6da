// MTA-STS records and policies as text (RFC 8461 §3.1, §3.2, §4.1): read, and asked about a mail host's name.
import { fail, ok, type Result } from "../mail/result.ts"

export type StsMode = "enforce" | "testing" | "none"

export type StsPolicy = {
  readonly mode: StsMode
  /** Seconds it may be kept. */
  readonly maxAge: number
  /** Names, or `*.` and a domain, in lower case. */
  readonly mx: readonly string[]
}

/** RFC 8461 §3.2: about a year. */
const longestAge = 31_557_600

/** The id of the one record that begins with `v=STSv1;`; undefined: there is none, or several (RFC 8461 §3.1). */
export function recordId(texts: readonly string[]): string | undefined {
  const records = texts.filter((text) => /^v=STSv1[ \t]*(?:;|$)/.test(text))
  const [record, ...more] = records
  if (record === undefined || more.length > 0) return undefined
  for (const field of record.split(";").slice(1)) {
    const found = /^[ \t]*id[ \t]*=[ \t]*([A-Za-z0-9]{1,32})[ \t]*$/.exec(field)
    if (found !== null) return found[1]
  }
  return undefined
}

/** A policy file's text. */
export function parsePolicy(text: string): Result<StsPolicy> {
  const fields = new Map<string, string>()
  const mx: string[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === "") continue
    const colon = line.indexOf(":")
    if (colon < 0) return fail(`"${line.slice(0, 40)}" is no field`)
    const name = line.slice(0, colon).trim()
    const value = line.slice(colon + 1).trim()
    if (name === "mx") mx.push(value.toLowerCase().replace(/\.$/, ""))
    else if (!fields.has(name)) fields.set(name, value) // RFC 8461 §3.2: the first of a name counts
  }
  return checked(fields, mx)
}

/** The policy as a file has it, in one form. */
export function policyLines(policy: StsPolicy | undefined): readonly string[] {
  if (policy === undefined) return []
  const { mode, maxAge, mx } = policy
  return ["version: STSv1", `mode: ${mode}`, `max_age: ${maxAge}`, ...mx.map((pattern) => `mx: ${pattern}`)]
}

function checked(fields: ReadonlyMap<string, string>, mx: readonly string[]): Result<StsPolicy> {
  const mode = fields.get("mode")
  const age = fields.get("max_age") ?? ""
  if (fields.get("version") !== "STSv1") return fail("its version is not STSv1")
  if (mode !== "enforce" && mode !== "testing" && mode !== "none") return fail("it has no mode that there is")
  if (!/^\d{1,10}$/.test(age) || Number(age) > longestAge) return fail("it has no max_age of at most a year")
  const wrong = mx.find((pattern) => !/^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(pattern))
  if (wrong !== undefined) return fail(`"${wrong.slice(0, 60)}" is no pattern of hosts`)
  if (mx.length === 0 && mode !== "none") return fail("it names no mx")
  return ok({ mode, maxAge: Number(age), mx })
}

/** RFC 8461 §4.1: `*.` stands for one label. */
export function matchesMx({ mx }: StsPolicy, host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "")
  const parent = name.slice(name.indexOf(".") + 1)
  return mx.some((pattern) =>
    pattern.startsWith("*.") ? name.includes(".") && parent === pattern.slice(2) : name === pattern,
  )
}
