// The pages: the files that the build has made, read once and served from memory by their exact names. What is no file of these is the
// page itself, which finds its place by the address.
import { readdirSync, readFileSync } from "node:fs"
import { extname, join } from "node:path"

export type Pages = { answer(path: string): Response }

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

type Page = { readonly octets: Uint8Array<ArrayBuffer>; readonly type: string }

/** Reads them; a folder that is not there leaves the API alone. */
export function readPages(folder: string): Pages {
  const pages = new Map<string, Page>(namesIn(folder).map((name) => [`/${name}`, pageAt(folder, name)]))
  const index = pages.get("/index.html")
  return {
    answer(path) {
      const page = pages.get(path)
      if (page !== undefined) return served(page, /-[\w-]{6,}\.\w+$/.test(path))
      if (index === undefined || extname(path) !== "")
        return new Response("there is no such page\n", { status: 404, headers: plain })
      return served(index, false)
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

/** A name with a hash in it never changes its content. */
function served({ octets, type }: Page, hashed: boolean): Response {
  const cache = hashed ? "public, max-age=31536000, immutable" : "no-cache"
  return new Response(octets, { headers: { "content-type": type, "cache-control": cache } })
}
