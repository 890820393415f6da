// What a browser gets before any script: the page with its frame for somebody who is in, files that may be kept, packed on request.
import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { gunzipSync } from "node:zlib"
import type { Session } from "./api.ts"
import { pages as names } from "./pages/names.ts"
import { type Pages, readPages } from "./static-pages.ts"

const index = readFileSync(join(import.meta.dirname, "pages/index.html"), "utf8")
const script = "go();\n".repeat(500)
let folder: string
let pages: Pages

before(() => {
  folder = mkdtempSync(join(tmpdir(), "waypost-pages-"))
  mkdirSync(join(folder, "assets"))
  writeFileSync(join(folder, "index.html"), index)
  writeFileSync(join(folder, "assets/main-Ab3_-9xZ.js"), script)
  writeFileSync(join(folder, "assets/icon.svg"), "<svg/>")
  writeFileSync(join(folder, "secret.pem"), "never served")
  pages = readPages(folder)
})

after(() => rmSync(folder, { recursive: true }))

const session: Session = { user: "link", csrf: "c5rf", version: "0.1.0", host: "mail.grussell.org" }

function ask(path: string, more: { readonly packings?: string; readonly session?: Session } = {}): Response {
  return pages.answer({ path, packings: more.packings ?? "", session: more.session })
}

test("whoever is in gets the frame with every page, and who he is, in the page itself", async () => {
  const answer = ask("/", { session })
  const html = await answer.text()
  for (const { page, name } of names) assert.ok(html.includes(`<a href="#/${page}">${name}</a>`))
  const written = /<meta name="session" content="([^"]*)">/.exec(html)?.[1] ?? ""
  assert.deepEqual(JSON.parse(written.replaceAll("&quot;", '"')), session)
  assert.equal(answer.headers.get("cache-control"), "no-store")
})

test("whoever is not in gets neither", async () => {
  const html = await ask("/").text()
  assert.match(html, /<meta name="session" content="">/)
  assert.match(html, /<div id="root"><\/div>/)
})

test("a hostile name of the host stays text", async () => {
  const host = `"><script>window.harm=1</script>$&'`
  const html = await ask("/", { session: { ...session, host } }).text()
  assert.equal(html.match(/<script/g)?.length, 1)
  assert.ok(html.includes("&quot;&gt;&lt;script&gt;window.harm=1&lt;/script&gt;$&amp;&#39;"))
  assert.doesNotMatch(html, /%(?:session|frame)%/)
})

test("a file whose name says its content is kept for ever, and packed for whoever can unpack", async () => {
  const packed = ask("/assets/main-Ab3_-9xZ.js", { packings: "br, gzip" })
  assert.equal(packed.headers.get("content-encoding"), "gzip")
  assert.equal(gunzipSync(await packed.bytes()).toString(), script)
  assert.match(packed.headers.get("cache-control") ?? "", /immutable/)
  const plain = ask("/assets/main-Ab3_-9xZ.js", { packings: "identity" })
  assert.equal(plain.headers.get("content-encoding"), null)
  assert.equal(await plain.text(), script)
  assert.equal(plain.headers.get("vary"), "accept-encoding")
  assert.equal(ask("/assets/icon.svg").headers.get("cache-control"), "no-cache")
})

test("only what the build has made is served, and nothing beside it", () => {
  for (const path of [
    "/assets/none.js",
    "/secret.pem",
    "/../secret.pem",
    "/assets/../secret.pem",
    "/%2e%2e/x.js",
  ])
    assert.equal(ask(path).status, 404, path)
  assert.equal(ask("/queue").status, 200)
  assert.equal(readPages(join(folder, "none")).answer({ path: "/", packings: "", session }).status, 404)
})
