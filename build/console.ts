// Bundles the console's pages into <folder>/console/: one script, one style, an icon, all named by their content, and the page that
// names them. rolldown is our bundler already, so no second one comes in for six pages.
import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** Builds the pages. */
export async function buildConsole(root: string, folder: string): Promise<void> {
  const pages = join(root, "src/console/pages")
  const target = join(folder, "console/assets")
  mkdirSync(target, { recursive: true })
  const script = await bundlePages(pages, target)
  const uplot = readFileSync(join(root, "node_modules/uplot/dist/uPlot.min.css"))
  const styles = stylesIn(pages).map((name) => readFileSync(join(pages, name)))
  const style = put(target, "style.css", Buffer.concat([uplot, ...styles]))
  const icon = put(target, "icon.svg", readFileSync(join(pages, "icon.svg")))
  const page = readFileSync(join(pages, "index.html"), "utf8")
  const named = page.replace("%script%", script).replace("%style%", style).replace("%icon%", icon)
  writeFileSync(join(folder, "console/index.html"), named)
}

async function bundlePages(pages: string, target: string): Promise<string> {
  const { rolldown } = await import("rolldown")
  const made = await rolldown({
    input: { main: join(pages, "main.tsx") },
    platform: "browser",
    tsconfig: join(pages, "tsconfig.json"), // says what JSX becomes
  })
  const { output } = await made.write({
    dir: target,
    format: "esm",
    entryFileNames: "[name]-[hash].js",
    codeSplitting: false,
    minify: true,
  })
  await made.close()
  return output[0].fileName
}

/** style.css is what the others stand on; narrow.css has the last word. */
function stylesIn(pages: string): readonly string[] {
  const rank = (name: string) => (name === "style.css" ? 0 : name === "narrow.css" ? 2 : 1)
  return readdirSync(pages)
    .filter((name) => name.endsWith(".css"))
    .toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

/** Writes a file under a name that changes with its content, so that it may be kept for ever. */
function put(target: string, name: string, content: Buffer): string {
  const hash = createHash("sha256").update(content).digest("base64url").slice(0, 8)
  const file = name.replace(/\.(\w+)$/, `-${hash}.$1`)
  writeFileSync(join(target, file), content)
  return file
}
