// The pages: the files that the build has made, read once and served from memory by their exact names, packed for browsers that can
// unpack. What is no file of these is the page itself, which finds its place by the address.
import { readdirSync, readFileSync } from "node:fs"
import { extname, join } from "node:path"
import { gzipSync } from "node:zlib"
import type { Session } from "./api.ts"
import { framed } from "./frame.ts"

/** What a request says of itself. */
export type PageAsked = {
  readonly path: string
  /** Accept-Encoding. */
  readonly packings: string
  /** Whoever is in. */
  readonly session: Session | undefined
}

export type Pages = { answer(asked: PageAsked): Response }

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
}

type Octets = Uint8Array<ArrayBuffer>
type Page = { readonly octets: Octets; readonly type: string; packed?: Octets }

const indexName = "/index.html"

/** Reads them; a folder that is not there leaves the API alone. */
export function readPages(folder: string): Pages {
  const pages = new Map<string, Page>(namesIn(folder).map((name) => [`/${name}`, pageAt(folder, name)]))
  const octets = pages.get(indexName)?.octets
  const index = octets === undefined ? undefined : Buffer.from(octets).toString("utf8")
  pages.delete(indexName)
  return {
    answer({ path, packings, session }) {
      const page = pages.get(path)
      if (page !== undefined) return served(page, path, packings)
      if (index === undefined || (extname(path) !== "" && path !== indexName))
        return new Response("there is no such page\n", { status: 404, headers: plain })
      // It tells who is in: it is nobody else's, and never kept.
      const headers = { "content-type": types[".html"] ?? "", "cache-control": "no-store" }
      return new Response(framed(index, session), { headers })
    },
  }
}

const plain = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" }

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && extname(entry.name) in types)
      .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
  } catch {
    return [] // built without pages: the API answers all the same
  }
}

function pageAt(folder: string, name: string): Page {
  return { octets: new Uint8Array(readFileSync(join(folder, name))), type: types[extname(name)] ?? "" }
}

/** A name with a hash in it never changes its content. Packed when it is asked for the first time. */
function served(page: Page, path: string, packings: string): Response {
  const hashed = /-[\w-]{6,}\.\w+$/.test(path)
  const headers = {
    "content-type": page.type,
    "cache-control": hashed ? "public, max-age=31536000, immutable" : "no-cache",
    vary: "accept-encoding",
  }
  if (!/\bgzip\b/.test(packings) || page.octets.length < 1000) return new Response(page.octets, { headers })
  page.packed ??= new Uint8Array(gzipSync(page.octets, { level: 9 }))
  return new Response(page.packed, { headers: { ...headers, "content-encoding": "gzip" } })
}
