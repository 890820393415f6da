// confDMARC_REPORTS and confTLS_REPORTS: the addresses that reports to other domains come from. The domain of each is the organization
// that reports.
import { type Mailbox, parseMailbox } from "../mail/address.ts"
import { error, type Issue, warning } from "./issues.ts"
import { option, optionAt } from "./options.ts"
import type { Settings } from "./settings.ts"

const lines = { DmarcReports: "confDMARC_REPORTS", TlsReports: "confTLS_REPORTS" } as const

/** Reports of one kind, by the option that asks for them. */
export type ReportKind = keyof typeof lines

/** Who reports; undefined: no line asks for it. */
export function reporterOf(settings: Pick<Settings, "options">, kind: ReportKind): Mailbox | undefined {
  const read = parseMailbox(option(settings, kind) ?? "")
  return read.ok && read.value.domain.kind === "name" ? read.value : undefined
}

/** What is wrong with the lines, or does not help. */
export function wrongReporters(settings: Pick<Settings, "options" | "features">): readonly Issue[] {
  const idle = error(
    "order",
    "confDMARC_REPORTS: without FEATURE(`dmarc') there is nothing to report",
    optionAt(settings, "DmarcReports"),
    "add FEATURE(`dmarc'), or take this line away",
  )
  const isIdle = reporterOf(settings, "DmarcReports") !== undefined && !settings.features.has("dmarc")
  // RFC 8460 §3: what goes by mail without a signature is ignored.
  const unsigned = warning(
    "order",
    "confTLS_REPORTS: receivers ignore reports by mail that nobody has signed",
    optionAt(settings, "TlsReports"),
    "add FEATURE(`dkim_sign'), with keys for the domain of this address",
  )
  const isUnsigned = reporterOf(settings, "TlsReports") !== undefined && !settings.features.has("dkim_sign")
  return [
    ...wrongAddress(settings, "DmarcReports"),
    ...wrongAddress(settings, "TlsReports"),
    ...(isIdle ? [idle] : []),
    ...(isUnsigned ? [unsigned] : []),
  ]
}

function wrongAddress(settings: Pick<Settings, "options">, kind: ReportKind): readonly Issue[] {
  const text = option(settings, kind) ?? ""
  if (text === "" || reporterOf(settings, kind) !== undefined) return []
  const says = `${lines[kind]}: "${text}" is no address that reports can come from`
  return [error("bad-value", says, optionAt(settings, kind))]
}
