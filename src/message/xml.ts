// XML as reports have it, read into a tree: elements and their text. No document types and no entities but the five of XML itself, so a
// report can neither grow nor fetch anything; attributes are passed over. Linear, and bounded in depth.
import { fail, ok, type Result } from "../mail/result.ts"

export type XmlElement = {
  /** Without a prefix. */
  readonly name: string
  readonly children: readonly XmlElement[]
  /** Its own text, without white space at the ends. */
  readonly text: string
}

type Open = { name: string; children: XmlElement[]; text: string }

const mostDepth = 32

/** The root element of a document. */
export function parseXml(text: string): Result<XmlElement> {
  const open: Open[] = []
  let root: XmlElement | undefined
  let at = 0
  while (at < text.length) {
    const next = text.indexOf("<", at)
    const words = text.slice(at, next < 0 ? text.length : next)
    const inside = open.at(-1)
    if (inside !== undefined) inside.text += words
    else if (words.replace("\uFEFF", "").trim() !== "") return fail("text stands outside of any element")
    if (next < 0) break
    if (/^<!(?!--|\[CDATA\[)/.test(text.slice(next, next + 9)))
      return fail("it has a document type, which no report has")
    const end = endOfMarkup(text, next)
    if (end < 0) return fail(`"${text.slice(next, next + 20)}" is not closed`)
    const markup = text.slice(next, end)
    at = end
    if (markup.startsWith("<?") || markup.startsWith("<!--")) continue
    if (markup.startsWith("<![CDATA[")) {
      if (inside === undefined) return fail("text stands outside of any element")
      inside.text += markup.slice(9, -3).replaceAll("&", "&amp;")
      continue
    }
    const step = element(markup, open, root !== undefined)
    if (!step.ok) return step
    if (step.value !== undefined) root = step.value
  }
  if (open.length > 0) return fail(`<${open.at(-1)?.name}> is not closed`)
  return root === undefined ? fail("it has no element") : ok(root)
}

/** After the markup that begins here; -1: it does not end. */
function endOfMarkup(text: string, start: number): number {
  const after = (mark: string, from: number) => {
    const found = text.indexOf(mark, from)
    return found < 0 ? -1 : found + mark.length
  }
  if (text.startsWith("<!--", start)) return after("-->", start + 4)
  if (text.startsWith("<![CDATA[", start)) return after("]]>", start + 9)
  if (text.startsWith("<?", start)) return after("?>", start + 2)
  let quote = ""
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at] ?? ""
    if (quote !== "") quote = char === quote ? "" : quote
    else if (char === '"' || char === "'") quote = char
    else if (char === ">") return at + 1
    else if (char === "<") return -1
  }
  return -1
}

/** Opens or closes an element; the value is the root, when it has been closed. */
function element(markup: string, open: Open[], rooted: boolean): Result<XmlElement | undefined> {
  const closing = markup.startsWith("</")
  const name = /^<\/?(?:[\w.-]+:)?([\w.-]+)/.exec(markup)?.[1]
  if (name === undefined) return fail(`"${markup.slice(0, 20)}" is no element`)
  if (!closing) {
    if (open.length === 0 && rooted) return fail("it has more than one root")
    if (open.length >= mostDepth) return fail(`its elements stand more than ${mostDepth} deep`)
    open.push({ name, children: [], text: "" })
    if (!markup.endsWith("/>")) return ok(undefined)
  }
  const closed = open.pop()
  if (closed?.name !== name) return fail(`</${name}> closes nothing`)
  const text = decoded(closed.text.trim())
  if (!text.ok) return text
  const whole = { name, children: closed.children, text: text.value }
  const parent = open.at(-1)
  if (parent === undefined) return ok(whole)
  parent.children.push(whole)
  return ok(undefined)
}

const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" }

function decoded(text: string): Result<string> {
  if (!text.includes("&")) return ok(text)
  let wrong: string | undefined
  const read = text.replaceAll(/&([^;&]{0,12})(;?)/g, (whole, word: string, end: string) => {
    const code = /^#x([0-9A-Fa-f]{1,6})$/.exec(word)?.[1]
    const number = code === undefined ? /^#(\d{1,7})$/.exec(word)?.[1] : String(Number.parseInt(code, 16))
    const found = number === undefined ? named[word] : characterOf(Number(number))
    if (found === undefined || end === "") wrong ??= whole
    return found ?? ""
  })
  return wrong === undefined ? ok(read) : fail(`"${wrong}" is no entity of XML`)
}

function characterOf(code: number): string | undefined {
  return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
    ? String.fromCodePoint(code)
    : undefined
}

/** The first child of this name. */
export function child(of: XmlElement | undefined, name: string): XmlElement | undefined {
  return of?.children.find((one) => one.name === name)
}

/** All children of this name. */
export function children(of: XmlElement | undefined, name: string): readonly XmlElement[] {
  return of?.children.filter((one) => one.name === name) ?? []
}

/** The text of the first child of this name; "" when there is none. */
export function textOf(of: XmlElement | undefined, name: string): string {
  return child(of, name)?.text ?? ""
}

/** Text as it stands in an element: without what XML cannot have. */
export function xmlText(text: string): string {
  return text
    .replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "?")
    .toWellFormed()
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
}
