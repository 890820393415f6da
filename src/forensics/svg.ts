// The route of a message as a drawing: hosts from the bottom up, their times, the trust line, the findings beside the hops they are
// about. Black on white, and nothing is told by colour alone: what can be believed has a solid frame, hearsay a dashed one.
import { checks } from "./checks.ts"
import { type Finding, rank } from "./finding.ts"
import type { Hop } from "./hops.ts"
import type { Judgement } from "./judgement.ts"
import { plain } from "./marked.ts"
import { fromText } from "./report.ts"
import { inLocal, inUtc, inWords } from "./words.ts"

const width = 1000
const timeX = 24
const boxX = 230
const boxWidth = 380
const noteX = 650
const noteColumns = 48
const line = 16
/** Hops that are drawn. */
const mostDrawn = 14

type Note = { readonly mark: number; readonly finding: Finding }

/** The drawing, a whole SVG document. */
export function drawRoute(judgement: Judgement): string {
  const { about, findings, sentence, verdict } = judgement
  const notes = findings
    .filter(({ severity }) => rank(severity) >= rank("low"))
    .slice(0, 24)
    .map((finding, n): Note => ({ finding, mark: n + 1 }))
  const hops = about.hops.slice(0, mostDrawn)
  const head = wrap(plain(sentence, 600), 118)
  const parts: string[] = [text(timeX, 40, `Verdict: ${verdict}`, 22, "bold")]
  let y = 66
  for (const words of head) parts.push(text(timeX, (y += 18), words, 14))
  y += 34
  if (about.chain.boundary === 0) y = drawTrustLine(parts, y, judgement)
  for (const [n, hop] of hops.entries()) {
    y = drawHop(
      parts,
      y,
      hop,
      notes.filter(({ finding }) => finding.hop === hop.number),
    )
    if (hop.number === about.chain.boundary) y = drawTrustLine(parts, y, judgement)
    else if (n + 1 < hops.length) y = drawStep(parts, y, hop)
  }
  if (about.hops.length > mostDrawn)
    parts.push(text(boxX, (y += 24), `… and ${about.hops.length - mostDrawn} older hops`, 13, "italic"))
  y = drawOthers(
    parts,
    y + 20,
    notes.filter(({ finding }) => finding.hop === undefined || finding.hop > mostDrawn),
  )
  return document(y + 40, parts)
}

function document(height: number, parts: readonly string[]): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="Helvetica, Arial, sans-serif" fill="#000" role="img" aria-label="The route of a message">\n` +
    `<defs><marker id="up" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" orient="auto"><path d="M0 0 L10 5 L0 10 z"/></marker></defs>\n` +
    `<rect width="${width}" height="${height}" fill="#fff"/>\n${parts.join("\n")}\n</svg>\n`
  )
}

function drawHop(parts: string[], top: number, hop: Hop, notes: readonly Note[]): number {
  const { received, number, at, believed } = hop
  const from = wrap(`took it from ${fromText(hop)}`, 48).slice(0, 3)
  const wordsOfNotes = notes.map(({ finding, mark }) => ({ mark, words: noteWords(finding) }))
  const noteLines = wordsOfNotes.reduce((sum, { words }) => sum + words.length + 0.4, 0)
  const height = Math.max(56 + from.length * line, 20 + noteLines * line)
  const frame = believed
    ? 'stroke-width="2.5" fill="#fff"'
    : 'stroke-width="1.2" stroke-dasharray="6 4" fill="#f2f2f2"'
  parts.push(
    `<rect x="${boxX}" y="${top}" width="${boxWidth}" height="${height}" rx="6" stroke="#000" ${frame}/>`,
  )
  parts.push(
    text(
      boxX + 14,
      top + 22,
      `${number}  ${plain(received.host ?? received.leading[0]?.text ?? "(does not name itself)", 42)}`,
      16,
      "bold",
    ),
  )
  for (const [n, words] of from.entries()) parts.push(text(boxX + 14, top + 42 + n * line, words, 13))
  const { maker, id } = received
  const made = `${maker.name === "unknown" ? "unknown software" : maker.name}${id === undefined ? ", no id" : `, id ${plain(id.value, 34)}`}`
  parts.push(text(boxX + 14, top + 42 + from.length * line, made, 12, "italic"))
  drawTimes(parts, top, { at, offset: received.date?.offset })
  let y = top + 16
  for (const { mark, words } of wordsOfNotes) {
    parts.push(...badge(noteX - 18, y - 4, mark))
    for (const word of words) {
      parts.push(text(noteX, y, word, 12.5))
      y += line
    }
    y += line * 0.4
  }
  return top + height
}

function drawTimes(
  parts: string[],
  top: number,
  { at, offset }: { readonly at: number | undefined; readonly offset: number | undefined },
): void {
  if (at === undefined) {
    parts.push(text(timeX, top + 22, "no readable time", 13, "italic"))
    return
  }
  parts.push(text(timeX, top + 22, inUtc(at), 13))
  if (offset !== undefined && offset !== 0)
    parts.push(text(timeX, top + 40, `local ${inLocal(at, offset)}`, 12, "italic"))
}

function noteWords({ severity, check, explanation }: Finding): readonly string[] {
  return wrap(`${severity}: ${checks[check].title}. ${plain(explanation, 220)}`, noteColumns).slice(0, 6)
}

function badge(x: number, y: number, mark: number): readonly string[] {
  const number = `<text x="${x}" y="${y + 4}" font-size="11" font-weight="bold" fill="#fff" text-anchor="middle">${mark}</text>`
  return [`<circle cx="${x}" cy="${y}" r="9"/>`, number]
}

/** The arrow to the hop above, with how long it took. */
function drawStep(parts: string[], top: number, { step }: Hop): number {
  const x = boxX + boxWidth / 2
  parts.push(arrow(x, top + 34, top + 6))
  if (step !== undefined) {
    const back = step < 0
    parts.push(
      text(
        x + 16,
        top + 24,
        back ? `${inWords(step)} BACKWARDS` : `${inWords(step)} later`,
        13,
        back ? "bold" : "normal",
      ),
    )
  }
  return top + 38
}

function arrow(x: number, from: number, to: number): string {
  return `<path d="M${x} ${from} L${x} ${to}" stroke="#000" stroke-width="1.5" fill="none" marker-end="url(#up)"/>`
}

function drawTrustLine(parts: string[], top: number, { about: { chain } }: Judgement): number {
  const who = plain(chain.receiver ?? "your server", 60)
  const above =
    chain.boundary === 0
      ? `${who} wrote none of the hops`
      : `above: recorded by your own server (${who}${chain.assumed ? ", assumed" : ""})`
  const y = top + 40
  parts.push(`<path d="M${timeX} ${y} L${width - timeX} ${y}" stroke="#000" stroke-width="4"/>`)
  parts.push(
    text(timeX, y - 10, above, 14, "bold"),
    text(timeX, y + 22, "below: whatever the sender liked to write", 14, "bold"),
  )
  if (chain.boundary > 0 && chain.hops.length > chain.boundary)
    parts.push(arrow(boxX + boxWidth / 2, y + 34, y + 6))
  return y + 38
}

function drawOthers(parts: string[], top: number, notes: readonly Note[]): number {
  if (notes.length === 0) return top
  let y = top + 16
  parts.push(text(timeX, y, "About the message itself", 15, "bold"))
  y += 24
  for (const { finding, mark } of notes) {
    parts.push(...badge(timeX + 9, y - 4, mark))
    for (const words of wrap(
      `${finding.severity}: ${checks[finding.check].title}. ${plain(finding.explanation, 300)}`,
      130,
    )) {
      parts.push(text(timeX + 28, y, words, 13))
      y += line
    }
    y += 6
  }
  return y
}

type Style = "normal" | "bold" | "italic"

function text(x: number, y: number, words: string, size: number, style: Style = "normal"): string {
  const look = style === "bold" ? ' font-weight="bold"' : style === "italic" ? ' font-style="italic"' : ""
  return `<text x="${x}" y="${y}" font-size="${size}"${look}>${escaped(words)}</text>`
}

function escaped(words: string): string {
  return words
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
}

/** Lines of at most so many characters; a longer word is broken. */
function wrap(words: string, columns: number): readonly string[] {
  const lines: string[] = []
  let current = ""
  for (const word of words.split(" ")) {
    let rest = word
    if (current !== "" && current.length + 1 + rest.length > columns) {
      lines.push(current)
      current = ""
    }
    while (rest.length > columns) {
      lines.push(rest.slice(0, columns))
      rest = rest.slice(columns)
    }
    current = current === "" ? rest : `${current} ${rest}`
  }
  if (current !== "") lines.push(current)
  return lines
}
