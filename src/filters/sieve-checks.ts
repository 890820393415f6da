// What a Sieve script can be told of its words' values before it runs: comparators, relations, addresses, names of fields and
// variables. Values with variables in them are known only when it runs.
import { parseAddressList } from "../message/addresses.ts"
import { compileRegex } from "./posix-regex.ts"

/** What stands behind a word or a tag. */
export type Value = string | readonly string[] | number | true

/** The words of a command or test. */
type Call = {
  readonly name: string
  readonly tags: ReadonlyMap<string, Value>
  readonly arguments: readonly Value[]
}

/** What is wrong with the values of a command or test; `hasVariables`: `${` in them means something. */
export function wrongValues(call: Call, hasVariables: boolean): readonly string[] {
  const known = (value: Value | undefined) =>
    textsOf(value).filter((text) => !hasVariables || !text.includes("${"))
  return [
    ...wrongComparison(call),
    ...wrongIndex(call),
    ...(call.tags.has("regex") ? wrongRegexes(known(call.arguments.at(-1))) : []),
    ...wrongNames(call, known),
  ]
}

type Known = (value: Value | undefined) => readonly string[]

function textsOf(value: Value | undefined): readonly string[] {
  if (typeof value === "string") return [value]
  return Array.isArray(value) ? (value as readonly string[]) : []
}

function wrongComparison({ tags }: Call): readonly string[] {
  const comparator = tags.get("comparator")
  const isNamed = typeof comparator === "string"
  const unknown = isNamed && !/^i;(?:octet|ascii-casemap|ascii-numeric)$/.test(comparator)
  // RFC 4790 §9.1.1: it compares, and finds nothing within a text.
  const within = (["contains", "matches", "regex"] as const).find((tag) => tags.has(tag))
  const relations = (["count", "value"] as const).filter(
    (tag) => tags.has(tag) && !/^(?:gt|ge|lt|le|eq|ne)$/i.test(String(tags.get(tag))),
  )
  return [
    ...(unknown ? [`there is no comparator "${comparator}"`] : []),
    ...(comparator === "i;ascii-numeric" && within !== undefined
      ? [`i;ascii-numeric compares numbers, not with :${within}`]
      : []),
    ...relations.map((tag) => `:${tag} compares with gt, ge, lt, le, eq or ne`),
  ]
}

function wrongIndex({ name, tags }: Call): readonly string[] {
  const counts = name === "header" || name === "address" || name === "date"
  return [
    ...(name === "size" && !tags.has("over") && !tags.has("under") ? ["size wants :over or :under"] : []),
    ...(tags.get("index") === 0 ? [":index counts from 1"] : []),
    ...(counts && tags.has("last") && !tags.has("index") ? [":last needs :index"] : []),
  ]
}

function wrongRegexes(patterns: readonly string[]): readonly string[] {
  return patterns.flatMap((pattern) => {
    const compiled = compileRegex(pattern, false)
    return compiled.ok ? [] : [`"${pattern.slice(0, 60)}" is no regular expression: ${compiled.error}`]
  })
}

function wrongNames({ name, tags, arguments: args }: Call, known: Known): readonly string[] {
  switch (name) {
    case "set":
      return textsOf(args[0]).flatMap((text) =>
        /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? [] : [`"${text}" is no name of a variable`],
      )
    case "address":
      // RFC 5228 §5.1: the test is for fields that hold addresses.
      return known(args[0]).flatMap((field) =>
        addressFields.has(field.toLowerCase())
          ? []
          : [`"${field}" is no field of addresses: header looks into it`],
      )
    case "envelope":
      return known(args[0]).flatMap((part) =>
        /^(?:from|to)$/i.test(part) ? [] : [`the envelope has no "${part}" here: from and to`],
      )
    case "redirect":
      return wrongAddresses(known(args[0]))
    case "vacation":
      return wrongAddresses(known(tags.get("from")))
    case "addheader":
    case "deleteheader":
      return known(args[0]).flatMap((field) => (isFieldName(field) ? [] : [`"${field}" is no field's name`]))
  }
  return []
}

function wrongAddresses(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => (sieveAddress(text) === undefined ? [`"${text}" is no address`] : []))
}

/** The address of `ann@example.org` or `Ann <ann@example.org>` (RFC 5228 §2.4.2.3); undefined when it is none, or more. */
export function sieveAddress(text: string): string | undefined {
  const [first, ...more] = parseAddressList(text)
  if (first === undefined || more.length > 0) return undefined
  return /^(?:"[^"]*"|[^\s@<>,;"]+)@[^\s@<>,;]+$/.test(first.address) ? first.address : undefined
}

/** RFC 5322 §2.2. */
export function isFieldName(text: string): boolean {
  return /^[!-9;-~]{1,200}$/.test(text)
}

const addressFields = new Set(
  (
    "from to cc bcc sender reply-to resent-from resent-to resent-cc resent-bcc resent-sender resent-reply-to return-path " +
    "delivered-to x-delivered-to original-to x-original-to envelope-to x-envelope-from x-envelope-to apparently-to " +
    "x-apparently-to mail-followup-to mail-reply-to errors-to x-errors-to disposition-notification-to return-receipt-to " +
    "approved x-beenthere x-mailing-list abuse-reports-to x-complaints-to x-report-abuse x-report-abuse-to"
  ).split(" "),
)
