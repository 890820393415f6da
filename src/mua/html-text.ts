// HTML mail as text for a terminal: structure kept, links with the address they lead to (what a link says and where it leads may
// differ, and that is how people are robbed), nothing fetched, nothing hidden. One pass, linear, whatever the nesting.
import { parseHtml } from "./html-tokens.ts"

type Writer = {
  out: string[]
  blank: number
  links: { readonly href: string; readonly from: number }[]
  quote: number
  pre: number
}

const blocks = new Set(
  "p div table tr ul ol dl dt dd h1 h2 h3 h4 h5 h6 blockquote pre section article header footer hr center form address".split(
    " ",
  ),
)
const paragraphs = new Set("p h1 h2 h3 h4 h5 h6 blockquote pre ul ol table".split(" "))

/** The text of an HTML document. */
export function htmlText(html: string): string {
  const writer: Writer = { out: [], blank: 2, links: [], quote: 0, pre: 0 }
  for (const token of parseHtml(html)) {
    switch (token.kind) {
      case "text":
        write(writer, token.text)
        break
      case "open":
        open(writer, token.name, token.attributes)
        break
      case "close":
        close(writer, token.name)
        break
    }
  }
  return writer.out
    .join("")
    .replaceAll(/[ \t]+\n/g, "\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim()
    .concat("\n")
}

function write(writer: Writer, text: string): void {
  if (writer.pre > 0) return put(writer, text)
  const flat = text.replaceAll(/[\s\u00a0]+/g, " ")
  put(writer, writer.blank > 0 ? flat.trimStart() : flat)
}

function put(writer: Writer, text: string): void {
  if (text === "") return
  if (writer.blank > 0 && writer.quote > 0) writer.out.push("> ".repeat(Math.min(writer.quote, 8)))
  writer.out.push(text)
  writer.blank = 0
}

function lines(writer: Writer, wanted: number): void {
  for (; writer.blank < wanted; writer.blank++) writer.out.push("\n")
}

function open(writer: Writer, name: string, attributes: ReadonlyMap<string, string>): void {
  if (blocks.has(name)) lines(writer, paragraphs.has(name) ? 2 : 1)
  switch (name) {
    case "br":
      writer.out.push("\n")
      writer.blank = Math.max(writer.blank, 1)
      break
    case "hr":
      put(writer, "-".repeat(40))
      lines(writer, 1)
      break
    case "li":
      lines(writer, 1)
      put(writer, "* ")
      break
    case "td":
    case "th":
      if (writer.blank === 0) put(writer, "  ")
      break
    case "img":
      put(writer, `[picture${attributes.get("alt") ? `: ${attributes.get("alt")}` : ""}]`)
      break
    case "a":
      writer.links.push({ href: (attributes.get("href") ?? "").trim(), from: writer.out.length })
      break
    case "pre":
      writer.pre++
      break
    case "blockquote":
      writer.quote++
      break
  }
}

function close(writer: Writer, name: string): void {
  switch (name) {
    case "a":
      closeLink(writer)
      break
    case "pre":
      writer.pre = Math.max(0, writer.pre - 1)
      break
    case "blockquote":
      writer.quote = Math.max(0, writer.quote - 1)
      break
  }
  if (blocks.has(name)) lines(writer, paragraphs.has(name) ? 2 : 1)
}

function closeLink(writer: Writer): void {
  const link = writer.links.pop()
  if (link === undefined || !/^(?:https?|ftp|mailto):/i.test(link.href)) return
  const said = writer.out.slice(link.from).join("").trim()
  const bare = (text: string) => text.replace(/^mailto:/i, "").replace(/\/$/, "")
  if (bare(said) !== bare(link.href))
    put(writer, `${said === "" ? "" : " "}<${link.href.replaceAll(/\s/g, "")}>`)
}
