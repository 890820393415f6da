// The name of a build: a hash over everything it is made from. Plain JavaScript, because every start of ./waypost runs it
// and taking types off costs more than all the rest.
// @ts-check
import { hash } from "node:crypto"
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/**
 * The hash of the sources that are in the checkout now. They are read only when one of them looks changed: that takes a quarter of the time.
 * @param {string} root
 * @returns {string}
 */
export function stampOf(root) {
  const parts = ["package.json", "package-lock.json", ...sources(root, "build"), ...sources(root, "src")]
  const began = Date.now()
  const { state, newest } = look(root, parts)
  const note = join(root, "dist", "stamp")
  const known = noted(note, state)
  if (known !== undefined) return known
  const stamp = read(root, parts)
  if (newest < began - settled) keep(note, `${state} ${stamp}\n`)
  return stamp
}

/** A change is seen by its time, which the kernel keeps in ticks: what changed only just may change again unseen (milliseconds). */
const settled = 2000

/**
 * What can be told of the files without reading them. Nobody can set back when a file was changed (ctime).
 * @param {string} root
 * @param {readonly string[]} parts
 */
function look(root, parts) {
  let newest = 0
  const lines = parts.map((path) => {
    const { ino, size, ctimeMs } = statSync(join(root, path))
    newest = Math.max(newest, ctimeMs)
    return `${path} ${ino} ${size} ${ctimeMs}\n`
  })
  return { state: hash("sha256", lines.join("")), newest }
}

/**
 * The stamp of sources that looked the same when they were last read.
 * @param {string} note
 * @param {string} state
 */
function noted(note, state) {
  try {
    const [was, stamp] = readFileSync(note, "latin1").trimEnd().split(" ")
    return was === state && stamp?.length === digits ? stamp : undefined
  } catch {
    return undefined // never noted
  }
}

/**
 * @param {string} note
 * @param {string} line
 */
function keep(note, line) {
  try {
    writeFileSync(note, line)
  } catch {
    // nothing is built yet, or somebody else built it: they are read again the next time
  }
}

const digits = 12

/**
 * @param {string} root
 * @param {readonly string[]} parts
 */
function read(root, parts) {
  const hashes = parts.map((path) => `${path} ${hash("sha1", readFileSync(join(root, path)))}\n`)
  return hash("sha256", hashes.join("")).slice(0, digits)
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
