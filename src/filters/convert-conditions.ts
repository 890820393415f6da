// procmail's conditions as Sieve tests, where there is one that means the same.
import { fail, ok, type Result } from "../mail/result.ts"

/** A Sieve test and the extensions it needs. */
export type Test = { readonly text: string; readonly needs: readonly string[] }

export type ConditionContext = {
  readonly flags: ReadonlySet<string>
  /** Variables with values that are known before any mail comes. */
  readonly known: ReadonlyMap<string, string>
}

/** A string of Sieve. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** The test, or why there is none. */
export function convertCondition(line: string, context: ConditionContext): Result<Test> {
  const text = line.trim()
  if (/^[-+]?[\d.,]+\s*\^/.test(text)) return fail("a score: Sieve does not count so")
  if (text.startsWith("!")) {
    const inner = convertCondition(text.slice(1), context)
    return inner.ok ? ok({ ...inner.value, text: `not ${inner.value.text}` }) : inner
  }
  if (text.startsWith("?")) return fail("a program decides: Sieve runs none")
  if (/^[<>]/.test(text)) return size(text, context)
  if (text.startsWith("$")) {
    const put = substituted(text.slice(1).trim(), context.known)
    return put.ok ? convertCondition(put.value, { ...context, known: new Map() }) : put
  }
  const partition = /^(\w+)\s*\?\?\s*(.*)$/s.exec(text)
  if (partition !== null) return inPartition(partition[1] ?? "", partition[2] ?? "", context)
  return expression(text.startsWith("\\") ? text.slice(1) : text, context)
}

/** With variables of known values put in; one that is not known cannot be. */
export function substituted(text: string, known: ReadonlyMap<string, string>): Result<string> {
  if (text.includes("`")) return fail("backquotes: Sieve runs no program")
  let missing: string | undefined
  const out = text.replaceAll(/\$(\\)?(?:\{(\w+)\}|(\w+))/g, (_, escaped, braced, bare) => {
    const name = String(braced ?? bare)
    const value = known.get(name)
    if (value === undefined) missing ??= name
    return escaped === undefined
      ? (value ?? "")
      : (value ?? "").replaceAll(/[(|)*?+.^$[\\]/g, String.raw`\$&`)
  })
  return missing === undefined ? ok(out) : fail(`$${missing} is known only when mail comes`)
}

function size(text: string, { known }: ConditionContext): Result<Test> {
  const put = substituted(text.slice(1).trim(), known)
  if (!put.ok) return put
  if (!/^\d+$/.test(put.value)) return fail(`"${put.value}" is no size`)
  return ok({ text: `size ${text.startsWith(">") ? ":over" : ":under"} ${put.value}`, needs: [] })
}

function inPartition(name: string, rest: string, context: ConditionContext): Result<Test> {
  const flags = new Set(context.flags)
  if (name === "B") return expression(rest, { ...context, flags: new Set([...flags, "B"]) })
  if (name === "H") {
    flags.delete("B")
    return expression(rest, { ...context, flags })
  }
  return fail(
    name === "HB" || name === "BH" ? "header and body as one text" : `the variable ${name} is looked at`,
  )
}

/** Fields that ^TO_ and ^TO look at. */
const addressees = [
  "to",
  "cc",
  "bcc",
  "resent-to",
  "resent-cc",
  "resent-bcc",
  "original-to",
  "original-cc",
  "x-envelope-to",
  "apparently-to",
]

const programs =
  "(post(ma?(st(e?r)?|n)|office)|(send)?mail(er)?|daemon|m(mdf|ajordomo)|n?uucp|list(serv|proc)|netserv|o(wner|ps)|r(e(quest|sponse)|oot)|b(ounce|bs\\.smtp)|echo|mirror|s(erv(ices?|er)|mtp(error)?|ystem)|a(dmin(istrator)?|mmgr|utoanswer))"
const mailers =
  "(post(ma(st(er)?|n)|office)|(send)?mail(er)?|daemon|mmdf|n?uucp|ops|r(esponse|oot)|(bbs\\.)?smtp(error)?|s(erv(ices?|er)|ystem)|a(dmin(istrator)?|mmgr))"

function sentBy(names: string): string {
  const pattern = `^([^>]*[^(.%@a-z0-9])?${names}(([^).!:a-z0-9][-_a-z0-9]*)?[%@>[:blank:]][^<)]*(\\(.*\\).*)?)?$`
  const fields = ["from", "sender", "resent-from", "resent-sender", "x-envelope-from"].map(quoted).join(", ")
  return `header :regex [${fields}] ${quoted(pattern)}, envelope :regex "from" ${quoted(pattern)}, envelope :is "from" ""`
}

function expression(source: string, { flags }: ConditionContext): Result<Test> {
  const text = source.replaceAll(/\\\n[ \t]*/g, "")
  const inBody = flags.has("B")
  if (inBody && flags.has("H")) return fail("header and body as one text")
  const comparator = flags.has("D") ? ':comparator "i;octet" ' : ""
  if (inBody) return bodyTest(text, comparator)
  if (text === "^FROM_DAEMON") {
    const list = 'exists "mailing-list", header :regex "precedence" "(junk|bulk|list)"'
    return ok({ text: `anyof (${list}, ${sentBy(programs)})`, needs: ["regex", "envelope"] })
  }
  if (text === "^FROM_MAILER") return ok({ text: `anyof (${sentBy(mailers)})`, needs: ["regex", "envelope"] })
  const to = /^\^TO(_?)(.*)$/s.exec(text)
  if (to !== null) {
    const before = to[1] === "_" ? "(^|[^-a-zA-Z0-9_.])" : "(^|[^a-zA-Z])"
    return headerTest(addressees, { before, rest: to[2] ?? "", comparator })
  }
  const field = /^\^(?:\(([\w|-]+)\)|([\w-]+)):(.*)$/s.exec(text)
  if (field === null) return fail("an expression that is not of one field: Sieve looks at fields")
  const names = (field[1] ?? field[2] ?? "").toLowerCase().split("|")
  const [, blanks = "", rest = ""] = /^(\.\*|\[[ \t]+\]\*|[ ]\*?|)(.*)$/s.exec(field[3] ?? "") ?? []
  if (blanks === "" && rest !== "")
    return fail("what stands right behind the colon: Sieve leaves out the blank there")
  return headerTest(names, { before: blanks === ".*" ? "" : "^", rest, comparator })
}

type Pattern = { readonly before: string; readonly rest: string; readonly comparator: string }

function headerTest(names: readonly string[], { before, rest, comparator }: Pattern): Result<Test> {
  const list = names.length === 1 ? quoted(names[0] ?? "") : `[${names.map(quoted).join(", ")}]`
  if (rest === "" || rest === ".*") return ok({ text: anyExists(names), needs: [] })
  const pattern = posix(rest)
  if (!pattern.ok) return pattern
  const plain = literal(pattern.value)
  if (plain !== undefined && before === "")
    return ok({ text: `header ${comparator}:contains ${list} ${quoted(plain)}`, needs: [] })
  return ok({
    text: `header ${comparator}:regex ${list} ${quoted(before + grouped(pattern.value))}`,
    needs: ["regex"],
  })
}

function anyExists(names: readonly string[]): string {
  const tests = names.map((name) => `exists ${quoted(name)}`)
  return tests.length === 1 ? (tests[0] ?? "") : `anyof (${tests.join(", ")})`
}

function grouped(pattern: string): string {
  return pattern.includes("|") ? `(${pattern})` : pattern
}

function bodyTest(text: string, comparator: string): Result<Test> {
  const pattern = posix(text)
  if (!pattern.ok) return pattern
  if (/(?:^|[^\\[])[$^]/.test(pattern.value)) return fail("lines of the body: Sieve looks at it as one text")
  const plain = literal(pattern.value)
  return plain === undefined
    ? ok({ text: `body :raw ${comparator}:regex ${quoted(pattern.value)}`, needs: ["body", "regex"] })
    : ok({ text: `body :raw ${comparator}:contains ${quoted(plain)}`, needs: ["body"] })
}

/** The expression in POSIX's form. */
function posix(source: string): Result<string> {
  if (source.includes("\\/")) return fail("MATCH: Sieve keeps what :matches finds, in another way")
  if (source.includes("^^")) return fail("^^, the beginning or the end of the whole header")
  if (/\[[^\]]*\\/.test(source)) return fail("a backslash in a class")
  return ok(
    source
      .replaceAll(/\\[<>]/g, "(^|[^a-zA-Z0-9_]|$)")
      .replaceAll(/\\([^.*+?()[\]{}|^$\\])/g, "$1")
      .replaceAll(/(?<!\\)[{}]/g, String.raw`\$&`)
      .replace(/\.\*$/, ""),
  )
}

/** The text that it matches, when it is only that. */
function literal(pattern: string): string | undefined {
  const text = pattern.replaceAll(/\\[^a-zA-Z0-9]/g, "")
  return /[.*+?()[\]|^$\\]/.test(text) ? undefined : pattern.replaceAll(/\\(.)/g, "$1")
}
