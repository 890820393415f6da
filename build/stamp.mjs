// The name of a build: a hash over everything it is made from. Plain JavaScript, because every start of ./waypost runs it
// and taking types off costs more than all the rest.
// @ts-check
import { hash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/**
 * The hash of the sources that are in the checkout now.
 * @param {string} root
 * @returns {string}
 */
export function stampOf(root) {
  const parts = ["package.json", "package-lock.json", ...sources(root, "build"), ...sources(root, "src")]
  const hashes = parts.map((path) => `${path} ${hash("sha1", readFileSync(join(root, path)))}\n`)
  return hash("sha256", hashes.join("")).slice(0, 12)
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
function sources(root, folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  return entries
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) return sources(root, path)
      return /(?<!\.test)\.(?:tsx?|[cm]js|css|html|svg)$/.test(entry.name) ? [path] : []
    })
}
