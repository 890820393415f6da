// confDMARC_REPORTS: the address that aggregate reports of DMARC come from. Its domain is the organization that reports.
import { type Mailbox, parseMailbox } from "../mail/address.ts"
import { error, type Issue } from "./issues.ts"
import { option, optionAt } from "./options.ts"
import type { Settings } from "./settings.ts"

/** Who reports; undefined: no line asks for it. */
export function reporterOf(settings: Pick<Settings, "options">): Mailbox | undefined {
  const read = parseMailbox(option(settings, "DmarcReports") ?? "")
  return read.ok && read.value.domain.kind === "name" ? read.value : undefined
}

/** What is wrong with the line. */
export function wrongReporter(settings: Pick<Settings, "options" | "features">): readonly Issue[] {
  const text = option(settings, "DmarcReports") ?? ""
  if (text === "") return []
  const at = optionAt(settings, "DmarcReports")
  if (reporterOf(settings) === undefined)
    return [error("bad-value", `confDMARC_REPORTS: "${text}" is no address that reports can come from`, at)]
  return settings.features.has("dmarc")
    ? []
    : [
        error(
          "order",
          "confDMARC_REPORTS: without FEATURE(`dmarc') there is nothing to report",
          at,
          "add FEATURE(`dmarc'), or take this line away",
        ),
      ]
}
