// The texts that open over the list: a message with an honest word about its sender, its header, its raw form, the forgery report,
// and how it got here. Everything a stranger wrote is made printable here.
import { type Io, withStreams } from "../../commands/io.ts"
import { openCase } from "../../forensics/case.ts"
import { findingsOf, verdictOf } from "../../forensics/findings.ts"
import { markedLines } from "../../forensics/marked.ts"
import { fields, first, nameOf, scanHeader, valueOf } from "../../message/header.ts"
import { contentOf } from "../content.ts"
import { honestWord } from "../honest.ts"
import { printable, printableLines } from "../printable.ts"
import { decoded } from "../summary.ts"
import type { Sheet } from "./state.ts"

const shown = ["From", "Reply-To", "To", "Cc", "Date", "Subject"]

/** The message as a person reads it. */
export async function messageSheet(key: string, octets: Buffer): Promise<Sheet> {
  const header = scanHeader(octets)
  const lines = shown.flatMap((name) => {
    const value = first(header, name.toLowerCase())
    return value === undefined ? [] : [`${name}: ${printable(decoded(value))}`]
  })
  const word = honestWord(octets)
  const { text, parts, fromHtml } = await contentOf(octets)
  const list = parts.map(
    ({ name, type, octets: part }, i) =>
      `[part ${i + 1}: ${printable(name)}, ${printable(type)}, ${part.length} octets; s saves it]`,
  )
  const notes = [
    ...(word === undefined ? [] : [`⚠ ${printable(word)}`]),
    ...(fromHtml ? ["[made from HTML; nothing was fetched]"] : []),
  ]
  const subject = printable(decoded(first(header, "subject") ?? "(no subject)"))
  const body = printableLines(text).replace(/\n+$/, "")
  const all = [...lines, ...notes, "", body, ...(list.length === 0 ? [] : ["", ...list])].join("\n")
  return { title: subject, text: all, top: 0, key, kind: "message" }
}

/** All header fields, decoded, each as it stands there. */
export function headerSheet(key: string, octets: Buffer): Sheet {
  const header = scanHeader(octets)
  const text = header.fields
    .map((field) => `${printable(nameOf(header, field))}: ${printable(decoded(valueOf(header, field)))}`)
    .join("\n")
  return { title: "Header", text, top: 0, key, kind: "header" }
}

/** The octets, as text. */
export function rawSheet(key: string, octets: Buffer): Sheet {
  const most = 2_000_000
  const more = octets.length > most ? `\n[… and ${octets.length - most} octets more]` : ""
  const text = printableLines(octets.toString("utf8", 0, most)) + more
  return { title: "Raw message", text, top: 0, key, kind: "raw" }
}

/** Is it forged, and why: offline, by what it says itself. */
export function forgerySheet(key: string, octets: Buffer): Sheet {
  const about = openCase(octets)
  const findings = findingsOf(about)
  const verdict = verdictOf(findings)
  const sentence = {
    genuine: "Nothing was found that speaks of a forgery. That is no proof: it says what it says.",
    suspicious: "Something does not fit. It may have an honest explanation.",
    forged: "This message is forged, by what it says of itself.",
  }[verdict]
  const told = findings.flatMap(({ severity, explanation, why, honest, settle, evidence }) => [
    "",
    `${severity.toUpperCase()}: ${printable(explanation)}`,
    ...markedLines(about.header.bytes, evidence).map((line) => `    ${line}`),
    `  why it matters: ${printable(why)}`,
    ...(honest === undefined ? [] : [`  honest explanation: ${printable(honest)}`]),
    `  what would settle it: ${printable(settle)}`,
  ])
  const hops = fields(about.header, "received").map(
    (field, i) => `  ${i + 1}. ${printable(valueOf(about.header, field).replaceAll(/\s+/g, " "))}`,
  )
  const text = [
    `Verdict: ${verdict}. ${sentence}`,
    ...told,
    "",
    "The way it claims, the newest hop first:",
    ...hops,
  ].join("\n")
  return { title: `Forged? ${verdict}`, text, top: 0, key, kind: "report" }
}

/** What our own mail system did with it: the timeline of its queue id. */
export async function routeSheet(key: string, octets: Buffer, io: Io): Promise<Sheet> {
  const id = queueIdOf(octets)
  const text =
    id === undefined
      ? "Its topmost Received field has no queue id: this mail system did not bring it."
      : await timelineOf(id, io)
  return {
    title: id === undefined ? "How it got here" : `How it got here (${id})`,
    text,
    top: 0,
    key,
    kind: "report",
  }
}

function queueIdOf(octets: Buffer): string | undefined {
  const header = scanHeader(octets)
  const [newest] = fields(header, "received")
  if (newest === undefined) return undefined
  return /\bid ([A-Za-z0-9-]{6,40})\b/.exec(valueOf(header, newest))?.[1]
}

async function timelineOf(id: string, io: Io): Promise<string> {
  const { PassThrough } = await import("node:stream")
  const { run } = await import("../../commands/show.ts")
  const out = new PassThrough().setEncoding("utf8")
  let text = ""
  out.on("data", (piece: string) => (text += piece))
  try {
    await run([id], withStreams(io, { stdout: out, stderr: out }))
  } catch (error) {
    return `The mail system could not be asked about ${id}: ${error instanceof Error ? error.message : String(error)}`
  }
  return printableLines(text)
}
