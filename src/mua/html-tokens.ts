// HTML as a stream of tags and texts, as forgiving as mail needs: what is never shown (scripts, styles, comments) is left out here.
import { decodeEntities } from "./html-entities.ts"

export type HtmlToken =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "open"; readonly name: string; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: "close"; readonly name: string }

/** Elements whose content is no text. */
const silent = new Set([
  "script",
  "style",
  "head",
  "title",
  "template",
  "noscript",
  "svg",
  "math",
  "iframe",
  "object",
  "select",
])

/** Reads from left to right, each octet once. */
export function* parseHtml(html: string): Generator<HtmlToken> {
  let at = 0
  while (at < html.length) {
    const open = html.indexOf("<", at)
    if (open < 0 || open > at) yield text(html.slice(at, open < 0 ? html.length : open))
    if (open < 0) return
    if (html.startsWith("<!--", open)) {
      at = after(html, "-->", open + 4)
      continue
    }
    const tag = /^<(\/?)([a-z][a-z0-9:-]{0,30})/i.exec(html.slice(open, open + 34))
    if (tag?.[2] === undefined) {
      if (html[open + 1] === "!" || html[open + 1] === "?") at = after(html, ">", open)
      else {
        yield text("<") // a lone "<", as people write it
        at = open + 1
      }
      continue
    }
    const name = tag[2].toLowerCase()
    const end = tagEnd(html, open + tag[0].length)
    at = end + 1
    if (tag[1] === "/") yield { kind: "close", name }
    else if (silent.has(name) && html[end - 1] !== "/") at = afterSilent(html, name, at)
    else yield { kind: "open", name, attributes: attributesOf(html.slice(open + tag[0].length, end)) }
  }
}

function text(raw: string): HtmlToken {
  return { kind: "text", text: decodeEntities(raw) }
}

function after(html: string, mark: string, from: number): number {
  const end = html.indexOf(mark, from)
  return end < 0 ? html.length : end + mark.length
}

/** The ">" that ends a tag: not one inside quotes. */
function tagEnd(html: string, from: number): number {
  let quote = ""
  for (let i = from; i < html.length; i++) {
    const c = html[i] ?? ""
    if (quote !== "") {
      if (c === quote) quote = ""
    } else if (c === ">") return i
    else if ((c === '"' || c === "'") && html[i - 1] === "=") quote = c
  }
  return html.length
}

function afterSilent(html: string, name: string, from: number): number {
  const close = new RegExp(`</${name}\\b[^>]{0,100}>`, "gi")
  close.lastIndex = from
  const found = close.exec(html)
  // Never closed: only the body can bring a page back from an unclosed head, and nothing brings back a script.
  if (found === null) return name === "head" ? bodyStart(html, from) : html.length
  return found.index + found[0].length
}

function bodyStart(html: string, from: number): number {
  const body = /<body\b/gi
  body.lastIndex = from
  return body.exec(html)?.index ?? html.length
}

function attributesOf(raw: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [, name = "", , double, single, bare] of raw
    .slice(0, 20_000)
    .matchAll(/([a-z-]{1,40})\s{0,20}(=\s{0,20}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/gi)) {
    const key = name.toLowerCase()
    if (!found.has(key)) found.set(key, decodeEntities(double ?? single ?? bare ?? ""))
  }
  return found
}
