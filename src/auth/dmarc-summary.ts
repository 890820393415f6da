// What aggregate reports of DMARC come to for one domain: how much mail was vouched for, where the rest came from, and what to do. In
// words, with bars, and as a drawing.
import { xmlText } from "../message/xml.ts"
import type { AggregateReport, ReportRow } from "./dmarc-report.ts"

/** Mail of one address. */
export type SourceSum = {
  readonly source: string
  readonly count: number
  readonly passed: number
  /** What was done with mail that failed, by word. */
  readonly done: ReadonlyMap<string, number>
  /** Who vouched for mail that passed, or why it failed; each once, the most frequent first. */
  readonly findings: readonly string[]
}

export type DomainSum = {
  readonly domain: string
  readonly reports: readonly AggregateReport[]
  readonly count: number
  readonly passed: number
  /** The most mail first; those that fail before those that pass. */
  readonly sources: readonly SourceSum[]
}

/** Sums of reports, a domain each. */
export function summaries(reports: readonly AggregateReport[]): readonly DomainSum[] {
  const byDomain = Map.groupBy(reports, ({ policy }) => policy.domain)
  return [...byDomain].map(([domain, own]) => summaryOf(domain, own))
}

function summaryOf(domain: string, reports: readonly AggregateReport[]): DomainSum {
  const rows = reports.flatMap((report) => report.rows)
  const sources = [...Map.groupBy(rows, ({ source }) => source)].map(([source, own]) => sourceOf(source, own))
  const total = (of: "count" | "passed") => sources.reduce((sum, one) => sum + one[of], 0)
  const failed = ({ count, passed }: SourceSum) => count - passed
  return {
    domain,
    reports,
    count: total("count"),
    passed: total("passed"),
    sources: sources.toSorted((a, b) => failed(b) - failed(a) || b.count - a.count),
  }
}

/** DMARC passes where SPF or a signature passes and speaks for the author's domain. */
export function passes({ dkim, spf }: Pick<ReportRow, "dkim" | "spf">): boolean {
  return dkim === "pass" || spf === "pass"
}

function sourceOf(source: string, rows: readonly ReportRow[]): SourceSum {
  const done = new Map<string, number>()
  const findings = new Map<string, number>()
  let count = 0
  let passed = 0
  for (const row of rows) {
    count += row.count
    if (passes(row)) passed += row.count
    else done.set(row.disposition, (done.get(row.disposition) ?? 0) + row.count)
    const says = findingOf(row)
    findings.set(says, (findings.get(says) ?? 0) + row.count)
  }
  const sorted = [...findings].toSorted((a, b) => b[1] - a[1]).map(([says]) => says)
  return { source, count, passed, done, findings: sorted }
}

function findingOf(row: ReportRow): string {
  const signed = row.signatures.map(({ domain, result }) => `DKIM ${result} for ${domain}`)
  const sent = row.senders.map(({ domain, result }) => `SPF ${result} for ${domain}`)
  const words = [...new Set([...signed, ...sent])].join(", ") || "neither SPF nor DKIM was found"
  const reasons = row.reasons.map(({ type, comment }) => (comment === "" ? type : `${type}: ${comment}`))
  const why = reasons.length === 0 ? "" : ` (${reasons.join("; ")})`
  if (passes(row)) return `${words}${why}`
  return `${words}${why}: ${advice(row)}`
}

/** What it may be, and what to do, where nobody vouched. */
function advice(row: ReportRow): string {
  const ours = `of ${row.headerFrom}`
  if (row.signatures.some(({ result }) => result === "pass"))
    return `signed, but not as ${row.headerFrom}: if it sends for you, have it sign with d=${row.headerFrom}`
  if (row.senders.some(({ result }) => result === "pass"))
    return `it may send, but in another name: if it sends for you, sign its mail ${ours}`
  if (row.signatures.length > 0)
    return `a signature was broken on the way (a list, a forwarder), or it is forged`
  return `forged, or a host of yours: then name it in SPF, and sign its mail`
}

const widest = 30

/** Lines for a person. `time` writes seconds since 1970. */
export function summaryInWords(sum: DomainSum, time: (seconds: number) => string): readonly string[] {
  const { domain, reports, count, passed, sources } = sum
  const [first] = reports
  if (first === undefined) return []
  const { policy } = first
  const strict = (mode: string) => (mode === "s" ? "strict" : "relaxed")
  const most = Math.max(1, ...sources.map((one) => one.count))
  const width = Math.max(...sources.map(({ source }) => source.length), 1)
  return [
    `${domain} asks for ${policy.p}${policy.testing ? " (testing)" : ""}: p=${policy.p}, sp=${policy.sp}, np=${policy.np}; DKIM ${strict(policy.adkim)}, SPF ${strict(policy.aspf)}`,
    ...reports.map(
      ({ organization, id, begin, end }) =>
        `  ${organization} saw, ${time(begin)} to ${time(end)} (report ${id})`,
    ),
    ...reports.flatMap(({ errors }) => errors.map((error) => `  it could not tell all: ${error}`)),
    `${messages(count)}: ${passed} vouched for (${percent(passed, count)}), ${count - passed} not`,
    ...sources.flatMap((one) => [
      `  ${one.source.padEnd(width)} ${bar(one, most)} ${one.count}, ${outcome(one)}`,
      ...one.findings.map((says) => `  ${" ".repeat(width)}   ${says}`),
    ]),
  ]
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "0 %" : `${Math.floor((100 * part) / whole)} %`
}

function outcome({ count, passed, done }: SourceSum): string {
  const failed = count - passed
  if (failed === 0) return "all vouched for"
  const words = [...done].map(([word, number]) => `${number} ${what[word] ?? word}`).join(", ")
  return passed === 0 ? `none vouched for: ${words}` : `${failed} not vouched for: ${words}`
}

const what: Readonly<Record<string, string>> = {
  none: "let in",
  pass: "let in",
  quarantine: "put aside",
  reject: "refused",
}

/** Full blocks are vouched for, light ones not. */
function bar({ count, passed }: SourceSum, most: number): string {
  const length = Math.max(1, Math.round((widest * count) / most))
  const good = count === 0 ? 0 : Math.round((length * passed) / count)
  return `${"█".repeat(good)}${"░".repeat(length - good)}`.padEnd(widest)
}

/** The same as a drawing (SVG): a bar for each address, the part that was vouched for in another colour. */
export function drawSummary({ domain, count, passed, sources }: DomainSum): string {
  const shown = sources.slice(0, 40)
  const most = Math.max(1, ...shown.map((one) => one.count))
  const rows = shown.map((one, n) => {
    const y = 50 + n * 24
    const whole = Math.max(1, Math.round((420 * one.count) / most))
    const good = one.count === 0 ? 0 : Math.round((whole * one.passed) / one.count)
    return [
      `<text x="220" y="${y + 12}" text-anchor="end">${xmlText(one.source)}</text>`,
      `<rect x="230" y="${y}" width="${good}" height="16" fill="#2e7d32"/>`,
      `<rect x="${230 + good}" y="${y}" width="${whole - good}" height="16" fill="#c62828"/>`,
      `<text x="${236 + whole}" y="${y + 12}">${one.count}</text>`,
    ].join("")
  })
  const height = 70 + shown.length * 24
  const title = `${domain}: ${messages(count)}, ${percent(passed, count)} vouched for`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="760" height="${height}" viewBox="0 0 760 ${height}" font-family="sans-serif" font-size="13" role="img" aria-label="${xmlText(title).replaceAll('"', "&quot;")}">`,
    `<rect width="760" height="${height}" fill="#fff"/>`,
    `<text x="20" y="28" font-size="16">${xmlText(title)}</text>`,
    ...rows,
    "</svg>",
    "",
  ].join("\n")
}
