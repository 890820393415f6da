// What is wrong with a domain's SPF record, in words for whoever keeps it: faults that make it no record, and habits that hurt.
import { spfTermInWords } from "./spf-words.ts"
import type { SpfDns } from "./spf-dns.ts"
import { isSpf, parseRecord, type SpfRecord } from "./spf-record.ts"

/** One remark, worst first: an error makes receivers see no valid record, a warning makes it weak or fragile. */
export type SpfRemark = { readonly level: "error" | "warning" | "note" | "ok"; readonly says: string }

export type SpfLint = { readonly lines: readonly SpfRemark[]; readonly worst: SpfRemark["level"] }

/** Reads the record and all that it includes. */
export async function lintSpf(domain: string, { dns }: { readonly dns: SpfDns }): Promise<SpfLint> {
  const tally: Tally = { remarks: [], asks: 0, seen: new Set() }
  await lintDomain(domain, dns, tally, "")
  if (tally.asks > 10)
    tally.remarks.push(error(`${tally.asks} terms ask DNS, 10 are allowed: receivers say permerror`))
  else if (tally.asks > 7)
    tally.remarks.push(warning(`${tally.asks} of 10 terms that may ask DNS are used up`))
  else if (tally.asks > 0) tally.remarks.push(note(`${tally.asks} of 10 terms that may ask DNS are used`))
  const worst = (["error", "warning", "note"] as const).find((level) =>
    tally.remarks.some((one) => one.level === level),
  )
  if (worst !== "error" && worst !== "warning")
    tally.remarks.push({ level: "ok", says: "nothing is wrong with it" })
  return { lines: tally.remarks, worst: worst ?? "ok" }
}

type Tally = { readonly remarks: SpfRemark[]; asks: number; readonly seen: Set<string> }

function error(says: string): SpfRemark {
  return { level: "error", says }
}

function warning(says: string): SpfRemark {
  return { level: "warning", says }
}

function note(says: string): SpfRemark {
  return { level: "note", says }
}

async function lintDomain(domain: string, dns: SpfDns, tally: Tally, via: string): Promise<void> {
  const { remarks, seen } = tally
  if (seen.has(domain.toLowerCase())) return void remarks.push(error(`${domain} includes itself${via}`))
  seen.add(domain.toLowerCase())
  const answer = await dns.txt(domain)
  if (answer.found === "unavailable")
    return void remarks.push(error(`DNS does not say what ${domain} publishes: ${answer.why}`))
  const texts = answer.found === "records" ? answer.records : []
  const [text, ...more] = texts.filter(isSpf)
  if (text === undefined) return void remarks.push(...missing(domain, texts, via))
  if (more.length > 0)
    return void remarks.push(error(`${domain} has ${more.length + 1} SPF records, one is allowed${via}`))
  remarks.push(note(`${domain} says "${text}"${via}`))
  const record = parseRecord(text)
  if (!record.ok) return void remarks.push(error(`${domain}: ${record.error}`))
  remarks.push(...(via === "" ? habits(domain, text, record.value) : []))
  await lintTerms(domain, record.value, dns, tally)
  seen.delete(domain.toLowerCase())
}

function missing(domain: string, texts: readonly string[], via: string): readonly SpfRemark[] {
  const nearly = texts.find((text) => /^\s*"?v\s*=\s*spf/i.test(text) || /spf2?[.:/ ]/i.test(text))
  const none = error(`${domain} has no SPF record${via}`)
  return nearly === undefined
    ? [none]
    : [none, warning(`"${nearly}" is none: a record begins with v=spf1 and a blank`)]
}

/** What each term means, and what of them hurts. */
function habits(domain: string, text: string, { directives, redirect }: SpfRecord): readonly SpfRemark[] {
  const found: SpfRemark[] = directives.map((directive) => note(spfTermInWords(directive, domain)))
  const all = directives.findIndex(({ mechanism }) => mechanism.is === "all")
  if (all >= 0 && all < directives.length - 1)
    found.push(warning("nothing that stands behind all is ever looked at"))
  if (all >= 0 && redirect !== undefined)
    found.push(warning("redirect= is not looked at where there is an all"))
  if (all < 0 && redirect === undefined)
    found.push(warning("it ends without all: for everybody else it says neutral; end it with -all"))
  const last = directives[all]?.qualifier
  if (last === "+") found.push(error("+all lets everybody send in this domain's name"))
  if (last === "?") found.push(warning("?all says nothing about everybody else; end it with -all"))
  if (last === "~")
    found.push(note("~all is for trying it out; when all senders are listed, end it with -all"))
  if (directives.some(({ mechanism }) => mechanism.is === "ptr"))
    found.push(warning("ptr is slow and not to be used (RFC 7208 §5.5)"))
  if (text.length > 450) found.push(warning(`${text.length} octets: an answer of DNS may not hold it`))
  return found
}

async function lintTerms(domain: string, record: SpfRecord, dns: SpfDns, tally: Tally): Promise<void> {
  for (const { mechanism, text } of record.directives) {
    if (mechanism.is === "all" || "network" in mechanism) continue
    tally.asks++
    const [target] = mechanism.domain?.parts ?? [domain]
    const plain = (mechanism.domain?.parts.length ?? 1) === 1 && typeof target === "string"
    if (!plain) tally.remarks.push(note(`${text} depends on the sender and is not followed`))
    else if (mechanism.is === "include") await lintDomain(target, dns, tally, ` (included by ${domain})`)
    else if (mechanism.is === "a" || mechanism.is === "mx") await lintHosts(mechanism.is, target, dns, tally)
    if (tally.asks > 50) return
  }
  if (record.redirect === undefined) return
  tally.asks++
  const [target] = record.redirect.parts
  if (record.redirect.parts.length === 1 && typeof target === "string")
    await lintDomain(target, dns, tally, ` (${domain} redirects there)`)
}

async function lintHosts(is: "a" | "mx", name: string, dns: SpfDns, { remarks }: Tally): Promise<void> {
  const answer = is === "mx" ? await dns.mx(name) : await dns.addresses(name)
  if (answer.found === "unavailable")
    remarks.push(warning(`DNS does not answer for ${is}:${name}: ${answer.why}`))
  if (answer.found === "nothing")
    remarks.push(
      warning(`${is}:${name} finds nothing; more than two such terms make receivers say permerror`),
    )
  if (answer.found === "records" && is === "mx" && answer.records.length > 10)
    remarks.push(error(`${name} has ${answer.records.length} exchangers, SPF looks at 10`))
}
