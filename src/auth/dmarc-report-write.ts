// DMARC's aggregate reports written as XML, element by element in the order of RFC 9990 §3.1.1: what readReport() reads.
import { xmlText } from "../message/xml.ts"
import type { AggregateReport, PublishedPolicy, ReportRow } from "./dmarc-report.ts"

type Element = readonly [name: string, content: string | readonly Element[]]

const namespace = "urn:ietf:params:xml:ns:dmarc-2.0"

/** The file, in pieces of some lines each. */
export function* reportPieces(report: AggregateReport): Generator<string> {
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<feedback xmlns="${namespace}">\n`
  yield textOf(["version", "1.0"])
  yield textOf(["report_metadata", metadata(report)])
  yield textOf(["policy_published", published(report.policy)])
  for (const row of report.rows) yield textOf(["record", record(row)])
  yield "</feedback>\n"
}

/** The whole file. */
export function writeReport(report: AggregateReport): string {
  return [...reportPieces(report)].join("")
}

function textOf(element: Element): string {
  return linesOf(element, "  ")
    .map((line) => `${line}\n`)
    .join("")
}

function linesOf([name, content]: Element, indent: string): readonly string[] {
  if (typeof content === "string") return [`${indent}<${name}>${xmlText(content)}</${name}>`]
  const inner = content.flatMap((element) => linesOf(element, `${indent}  `))
  return [`${indent}<${name}>`, ...inner, `${indent}</${name}>`]
}

function metadata({ organization, contact, id, begin, end, errors, generator }: AggregateReport): Element[] {
  return [
    ["org_name", organization],
    ["email", contact],
    ["report_id", id],
    [
      "date_range",
      [
        ["begin", String(begin)],
        ["end", String(end)],
      ],
    ],
    ...(errors.length === 0 ? [] : [["error", errors.join("; ")] as const]),
    ...(generator === "" ? [] : [["generator", generator] as const]),
  ]
}

function published({ domain, discovery, p, sp, np, adkim, aspf, testing }: PublishedPolicy): Element[] {
  return [
    ["domain", domain],
    ...(discovery === "" ? [] : [["discovery_method", discovery] as const]),
    ["p", p],
    ["sp", sp],
    ["np", np],
    ["adkim", adkim],
    ["aspf", aspf],
    ["testing", testing ? "y" : "n"],
  ]
}

function record(row: ReportRow): Element[] {
  return [
    [
      "row",
      [
        ["source_ip", row.source],
        ["count", String(row.count)],
        ["policy_evaluated", evaluated(row)],
      ],
    ],
    [
      "identifiers",
      [
        ["header_from", row.headerFrom],
        ["envelope_from", row.envelopeFrom],
      ],
    ],
    ["auth_results", results(row)],
  ]
}

function evaluated({ disposition, dkim, spf, reasons }: ReportRow): Element[] {
  return [
    ["disposition", disposition],
    ["dkim", dkim],
    ["spf", spf],
    ...reasons.map(
      ({ type, comment }): Element => [
        "reason",
        comment === ""
          ? [["type", type]]
          : [
              ["type", type],
              ["comment", comment],
            ],
      ],
    ),
  ]
}

function results({ signatures, senders }: ReportRow): Element[] {
  return [
    ...signatures.map(
      ({ domain, selector, result }): Element => [
        "dkim",
        [
          ["domain", domain],
          ["selector", selector],
          ["result", result],
        ],
      ],
    ),
    ...senders.map(
      ({ domain, scope, result }): Element => [
        "spf",
        [
          ["domain", domain],
          ["scope", scope],
          ["result", result],
        ],
      ],
    ),
  ]
}
