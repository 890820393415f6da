// The first lines of the built program: loads its pieces. Those that quick commands need come with V8's compiled code beside them
// (warm.cjs makes it), which is good for every user; others are compiled anew, or kept by Node where the user may write in this folder.
// Two thirds of what a command would take to start is saved here, so nothing is done that need not be.
// @ts-check
"use strict"

const { readFileSync } = require("node:fs")
const { constants, Script } = require("node:vm")

/** Names of the pieces that are loaded here; build.ts puts them in. @type {ReadonlySet<string>} */
const quick = new Set([])

/** @type {Map<string, Script>} */
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
  // The pieces are ASCII (build.ts sees to it): the quickest to read.
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, "latin1")}\n})`
  const script = new Script(source, {
    filename: path,
    cachedData: compiled(path),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER, // Node's own modules that are seldom needed
  })
  scripts.set(name, script)
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

/** @param {string} path @returns {Buffer | undefined} */
function compiled(path) {
  try {
    return readFileSync(`${path}.compiled`)
  } catch {
    return undefined // it has not been made yet: warm.cjs is about to
  }
}
