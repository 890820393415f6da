// Makes `new Worker(new URL("./worker.ts", import.meta.url))` right in the bundle: the file named there becomes an entry of
// its own beside the others, and the URL leads to it.
import { basename, dirname, join } from "node:path"
import type { Plugin } from "rolldown"

const pattern = /new URL\(\s*"(\.[^"]+\.ts)",\s*import\.meta\.url\s*,?\s*\)/g

/** The plugin for rolldown. */
export function workers(): Plugin {
  return {
    name: "workers",
    transform(code, id) {
      if (!code.includes("import.meta.url")) return undefined
      const changed = code.replace(pattern, (_all, path: string) => {
        const file = join(dirname(id), path)
        const fileName = `${basename(dirname(file))}-${basename(file, ".ts")}.cjs`
        this.emitFile({ type: "chunk", id: file, fileName })
        return `new URL("./${fileName}", import.meta.url)`
      })
      return { code: changed, map: null } // no line has moved
    },
  }
}
