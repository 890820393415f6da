// The commands as files: ./waypost and bin/, from a checkout of the test's own, so that nothing here is built or installed.
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { closedCheckout } from "./kit/system.ts"

const project = join(import.meta.dirname, "..")
const programs = [
  "waypost",
  "sendmail",
  "mailq",
  "newaliases",
  "makemap",
  "editmap",
  "praliases",
  "hoststat",
  "purgestat",
  "mailstats",
  "rmail",
  "saslpasswd2",
  "vacation",
]

type Checkout = { readonly path: string; readonly npmCalls: () => string }

/** A checkout with a small program in the place of ours. npm is a script that notes its call and does as `npm` says. */
function checkout(t: TestContext, npm = "exit 1"): Checkout {
  const path = mkdtempSync(join(tmpdir(), "waypost-checkout-"))
  chmodSync(path, 0o755)
  t.after(() => rmSync(path, { recursive: true, force: true }))
  for (const name of ["waypost", "bin", "build", "package.json", "package-lock.json"]) {
    cpSync(join(project, name), join(path, name), { recursive: true })
  }
  mkdirSync(join(path, "src/commands"), { recursive: true })
  writeFileSync(
    join(path, "src/commands/main.ts"),
    "export const start = () => process.stdout.write(`${process.argv.slice(2).join(' ')}\\n`)\nexport const runProgram = async () => 0\n",
  )
  const pages = join(path, "src/console/pages")
  mkdirSync(pages, { recursive: true })
  for (const name of ["index.html", "style.css", "icon.svg", "main.tsx"]) writeFileSync(join(pages, name), "")
  writeFileSync(join(pages, "tsconfig.json"), "{}")
  mkdirSync(join(path, "fake"))
  writeFileSync(join(path, "fake/npm"), `#!/bin/sh\necho "$@" >>${path}/npm-calls\n${npm}\n`, { mode: 0o755 })
  const calls = join(path, "npm-calls")
  return { path, npmCalls: () => (existsSync(calls) ? readFileSync(calls, "utf8") : "") }
}

/** As `npm ci` would leave it: links to what is installed here, and npm's marker. */
function installed({ path }: Checkout): void {
  const real = join(project, "node_modules")
  mkdirSync(join(path, "node_modules"))
  for (const name of readdirSync(real)) {
    if (!name.startsWith(".")) symlinkSync(join(real, name), join(path, "node_modules", name))
  }
  writeFileSync(join(path, "node_modules/.package-lock.json"), "{}")
  cpSync(join(path, "package-lock.json"), join(path, "node_modules/.installed"))
}

function run({ path }: Checkout, command: string, ...args: readonly string[]) {
  const env = { PATH: `${path}/fake:/usr/bin:/bin`, HOME: path }
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env, cwd: "/" })
  return { status, stdout, stderr }
}

test("each command in bin/ runs under its own name, through links from anywhere, and never calls npm", (t) => {
  const here = checkout(t)
  installed(here)
  assert.equal(run(here, join(here.path, "waypost"), "build").status, 0)
  mkdirSync(join(here.path, "usr/sbin"), { recursive: true })
  for (const name of programs) {
    const command = join(here.path, "bin", name)
    const link = join(here.path, "usr/sbin", `${name}.link`)
    symlinkSync(command, link)
    symlinkSync(`${name}.link`, join(here.path, "usr/sbin", name))
    for (const way of [command, link, join(here.path, "usr/sbin", name)]) {
      const { stdout, stderr, status } = run(here, way, "-v", "a b")
      assert.deepEqual({ stdout, stderr, status }, { stdout: `${name} -v a b\n`, stderr: "", status: 0 }, way)
    }
  }
  assert.equal(here.npmCalls(), "")
})

test("./waypost builds when a source has changed, and only then", (t) => {
  const here = checkout(t)
  installed(here)
  const door = join(here.path, "waypost")
  assert.match(run(here, door, "one").stderr, /^waypost: built in [\d.]+ s\n$/)
  assert.equal(run(here, door, "two").stderr, "")
  const source = join(here.path, "src/commands/main.ts")
  utimesSync(source, new Date(), new Date())
  assert.equal(run(here, door, "three").stderr, "", "a newer date alone is no change")
  const program =
    'export const start = () => process.stdout.write("changed\\n")\nexport const runProgram = async () => 0\n'
  writeFileSync(source, program)
  const { stdout, stderr } = run(here, door, "four")
  assert.match(stderr, /^waypost: built in/)
  assert.equal(stdout, "changed\n")
})

test("a change that leaves a source's size and date as they were is seen, also where the sources were only looked at", async (t) => {
  const here = checkout(t)
  installed(here)
  const door = join(here.path, "waypost")
  const source = join(here.path, "src/commands/main.ts")
  const { mtime } = statSync(source)
  await new Promise((resolve) => setTimeout(resolve, 2100)) // what changed only just is not trusted to look the same
  run(here, door, "one")
  run(here, door, "two")
  const note = readFileSync(join(here.path, "dist/stamp"), "latin1")
  assert.ok(note.trimEnd().endsWith(` ${readlinkSync(join(here.path, "dist/current"))}`), note)
  writeFileSync(source, readFileSync(source, "utf8").replace("slice(2)", "slice(3)"))
  utimesSync(source, mtime, mtime)
  assert.match(run(here, door, "three").stderr, /^waypost: built in/)
})

test("what is built comes with compiled code that V8 takes, for every user", (t) => {
  const here = checkout(t)
  installed(here)
  run(here, join(here.path, "waypost"), "build")
  const piece = join(here.path, "dist/current/main.cjs")
  assert.equal(statSync(`${piece}.compiled`).mode & 0o444, 0o444)
  const script = `
    const { Script } = require("node:vm")
    const fs = require("node:fs")
    const taken = []
    require("node:vm").Script = class extends Script {
      constructor(source, options) {
        super(source, options)
        taken.push(this.cachedDataRejected)
      }
    }
    process.argv.splice(1, 0, "entry")
    require(${JSON.stringify(join(here.path, "dist/current/waypost.cjs"))})
    fs.writeSync(1, JSON.stringify(taken))`
  const entry = join(here.path, "taken.cjs")
  writeFileSync(entry, script)
  assert.match(
    run(here, process.execPath, "--disable-warning=ExperimentalWarning", entry).stdout,
    /\[false\]$/,
  )
})

test("a build whose commands cannot be run once is built all the same, and says that they start slower", (t) => {
  const here = checkout(t)
  installed(here)
  const main = join(here.path, "src/commands/main.ts")
  writeFileSync(main, readFileSync(main, "utf8").replace("=> 0", "=> 1"))
  const built = run(here, join(here.path, "waypost"), "mailq")
  assert.match(built.stderr, /start slower than they could, .* ended with 1/s)
  assert.equal(built.stdout, "waypost mailq\n")
})

test("a test file is no part of the program: changing one builds nothing", (t) => {
  const here = checkout(t)
  installed(here)
  const door = join(here.path, "waypost")
  run(here, door)
  writeFileSync(join(here.path, "src/commands/main.test.ts"), "// new")
  assert.equal(run(here, door).stderr, "")
})

test("a build that a daemon runs from stays when another is made", (t) => {
  const here = checkout(t)
  installed(here)
  const door = join(here.path, "waypost")
  run(here, door)
  const first = readlinkSync(join(here.path, "dist/current"))
  writeFileSync(join(here.path, "src/commands/main.ts"), "export const start = () => {}\n")
  run(here, door)
  assert.notEqual(readlinkSync(join(here.path, "dist/current")), first)
  assert.ok(existsSync(join(here.path, "dist", first, "main.cjs")))
})

test("sources that do not build are told with their place, and the old build stays", (t) => {
  const here = checkout(t)
  installed(here)
  const door = join(here.path, "waypost")
  run(here, door)
  const before = readlinkSync(join(here.path, "dist/current"))
  writeFileSync(join(here.path, "src/commands/main.ts"), 'import "./nothing.ts"\n')
  const { status, stderr } = run(here, door)
  assert.equal(status, 70)
  assert.match(stderr, /^waypost: the sources do not build:\n[^]*\.\/nothing\.ts[^]*main\.ts:1/)
  assert.equal(readlinkSync(join(here.path, "dist/current")), before)
})

test("a command in bin/ of a fresh checkout builds it first", (t) => {
  const here = checkout(t)
  installed(here)
  const { stdout, stderr } = run(here, join(here.path, "bin/mailq"), "-v")
  assert.equal(stdout, "mailq -v\n")
  assert.match(stderr, /^waypost: built in/)
})

test("a package-lock.json that only looks newer installs nothing", (t) => {
  const here = checkout(t)
  installed(here)
  const later = new Date(Date.now() + 60_000)
  utimesSync(join(here.path, "package-lock.json"), later, later)
  assert.equal(run(here, join(here.path, "waypost"), "x").stdout, "waypost x\n")
  assert.equal(here.npmCalls(), "")
})

test("what is missing is installed once, by npm ci, and said", (t) => {
  const real = join(project, "node_modules")
  const here = checkout(
    t,
    `mkdir node_modules && ln -s ${real}/* node_modules && echo {} >node_modules/.package-lock.json`,
  )
  const door = join(here.path, "waypost")
  const first = run(here, door, "x")
  assert.match(
    first.stderr,
    /^waypost: installing packages, [^\n]*\nwaypost: installed in \d+ s\nwaypost: built in/,
  )
  assert.equal(first.stdout, "waypost x\n")
  assert.match(here.npmCalls(), /^ci --ignore-scripts [^\n]*\n$/)
  run(here, door, "x")
  assert.equal(here.npmCalls().split("\n").length, 2, "and not again")
})

test("npm's failure is told in its words, with what to do, and leaves nothing half", (t) => {
  const here = checkout(t, "echo 'npm error network ENOTFOUND' >&2; exit 1")
  const { status, stderr } = run(here, join(here.path, "waypost"), "start")
  assert.equal(status, 69)
  assert.match(stderr, /^ {2}npm error network ENOTFOUND$/m)
  assert.match(stderr, /^waypost: npm could not install \(its words stand above\): [^\n]*$/m)
  assert.equal(existsSync(join(here.path, ".cache/install.lock")), false)
})

test("the lock of an installation that was killed is taken over", (t) => {
  const here = checkout(t)
  mkdirSync(join(here.path, ".cache/install.lock"), { recursive: true })
  const { pid } = spawnSync("true")
  writeFileSync(join(here.path, ".cache/install.lock/pid"), `${pid}\n`)
  assert.equal(run(here, join(here.path, "waypost"), "start").status, 69)
  assert.notEqual(here.npmCalls(), "")
})

const asRoot = process.getuid?.() === 0 ? closedCheckout : "needs root, to become another user"

test("a checkout that another user owns runs as it is, and says who must build when it cannot", {
  skip: asRoot,
}, (t) => {
  const here = checkout(t)
  installed(here)
  run(here, join(here.path, "waypost"), "build")
  const nobody = (...words: readonly string[]) =>
    run(here, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...words)
  assert.deepEqual(nobody(join(here.path, "bin/mailq"), "-v"), {
    status: 0,
    stdout: "mailq -v\n",
    stderr: "",
  })
  writeFileSync(join(here.path, "src/commands/main.ts"), "export const start = () => {}\n")
  const { status, stderr } = nobody(join(here.path, "waypost"), "start")
  assert.equal(status, 77)
  assert.match(
    stderr,
    /^waypost: the sources have changed, and you may not write [^\n]*: run \.\/waypost build as its owner\n$/,
  )
})

test("the library that Node needs and a bare Debian lacks is kept beside it, for where it is missing", (t) => {
  const here = checkout(t)
  installed(here)
  writeFileSync(join(here.path, "libatomic.so.1"), "the library")
  const keep = (library: string) =>
    run(here, "sh", join(here.path, "build/keep-libatomic.sh"), here.path, library)
  assert.deepEqual(keep(join(here.path, "libatomic.so.1")), { status: 0, stdout: "", stderr: "" })
  assert.equal(readFileSync(join(here.path, "node_modules/.lib/libatomic.so.1"), "utf8"), "the library")
})
