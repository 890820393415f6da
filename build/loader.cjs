// The first lines of the built program: loads its pieces. Those that quick commands need come with V8's compiled code beside them
// (warm.cjs makes it), which is good for every user; others are compiled anew, or kept by Node where the user may write in this folder.
// Two thirds of what a command would take to start is saved here, so nothing is done that need not be.
// @ts-check
"use strict"

const { readFileSync } = require("node:fs")
const { constants, Script } = require("node:vm")

/** Names of the pieces that are loaded here; build.ts puts them in. @type {ReadonlySet<string>} */
const quick = new Set([])

/** Each piece's code and what it was made of, for warm.cjs. @type {Map<string, { script: Script, source: string }>} */
const scripts = new Map()

/** What the pieces get for `require`. @param {string} name @returns {any} */
function load(name) {
  if (!name.startsWith("./")) return require(name)
  const path = __dirname + name.slice(1)
  const known = require.cache[path]
  if (known !== undefined) return known.exports
  if (quick.has(name)) return run(name, path)
  keepCompiled()
  return require(name)
}

let kept = false

/** Node's own cache, for the pieces that come without. */
function keepCompiled() {
  if (!kept) require("node:module").enableCompileCache(`${__dirname}/cache`)
  kept = true
}

/** @param {string} name @param {string} path */
function run(name, path) {
  const { source, cachedData } = compiled(path) ?? { source: plain(path), cachedData: undefined }
  const script = new Script(source, {
    filename: path,
    cachedData,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER, // Node's own modules that are seldom needed
  })
  scripts.set(name, { script, source })
  const module = {
    exports: {},
    id: path,
    filename: path,
    loaded: true,
    parent: null,
    children: [],
    paths: [],
    path: __dirname,
    require: load,
    isPreloading: false,
  }
  require.cache[path] = /** @type {NodeJS.Module} */ (/** @type {unknown} */ (module)) // for pieces that are loaded in the usual way
  script.runInThisContext()(module.exports, load, module, path, __dirname)
  return module.exports
}

/**
 * One file to be read instead of two: where the source begins (the first of eight octets), V8's code, the source.
 * @param {string} path @returns {{ source: string, cachedData: Buffer } | undefined}
 */
function compiled(path) {
  try {
    const octets = readFileSync(`${path}.compiled`)
    const end = octets.readUInt32LE(0)
    return { source: octets.toString("latin1", end), cachedData: octets.subarray(8, end) }
  } catch {
    return undefined // it has not been made yet: warm.cjs is about to
  }
}

/** The pieces are ASCII (build.ts sees to it): the quickest to read. @param {string} path */
function plain(path) {
  return `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, "latin1")}\n})`
}
