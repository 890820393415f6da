import assert from "node:assert/strict"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  symlinkSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { layoutOf } from "../daemon/layout.ts"
import { loadConfiguration } from "./configuration.ts"
import { canEnter, canRead, copyProgram } from "./program-copy.ts"
import { run } from "./start.ts"
import { printReport } from "./start-report.ts"
import { checkoutOf, ownState, runningState, systemState } from "./state.ts"

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "waypost-start-"))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Neither the owner of these files nor in their group. */
const stranger = { uid: 65533, gid: 65533 }

for (const resolver of ["", "127.0.0.1", "dns.example.org:53", "127.0.0.1:port"]) {
  test(`--resolver=${resolver} is refused before anything is started`, async () => {
    const io = memoryIo()
    assert.equal(await run([`--resolver=${resolver}`], io), 64)
    assert.equal(
      io.written.stderr,
      `waypost start: --resolver is ADDR:PORT, such as 127.0.0.1:53, not "${resolver}"\n`,
    )
  })
}

test("the built-in configuration is whole: a start without any has nothing to complain of", (t) => {
  const configured = loadConfiguration(undefined, folder(t))
  assert.ok(configured.ok, configured.ok ? "" : configured.error)
  assert.deepEqual(configured.value.warnings, [])
  assert.deepEqual(
    configured.value.settings.daemons.map(({ address, port }) => `${address}:${port}`),
    ["127.0.0.1:2525", "127.0.0.1:2587"],
  )
})

test("a configuration that is not there, is a directory or is wrong is told in words", (t) => {
  const path = folder(t)
  const wrong = join(path, "wrong.mc")
  writeFileSync(wrong, "MAILER(`local')dnl\nFEATUER(`access_db')dnl\n")
  const errors = [join(path, "none.mc"), path, wrong].map((file) => {
    const configured = loadConfiguration(file, path)
    return configured.ok ? "" : configured.error
  })
  assert.equal(errors[0], `${path}/none.mc: there is no such file`)
  assert.equal(errors[1], `${path}: that is a directory`)
  assert.match(errors[2] ?? "", /wrong\.mc cannot be used:\n[^]*wrong\.mc:2:1: error: [^]*FEATURE/)
})

test("what is printed at the start says where it listens, where mail goes, what was read, and what to try", (t) => {
  const state = folder(t)
  const configured = loadConfiguration(undefined, state)
  assert.ok(configured.ok)
  const { settings } = configured.value
  const layout = layoutOf(state)
  const report = { settings, listeners: settings.daemons, layout, mailUser: undefined, seconds: 0.34 }
  const text = printReport({ ...report, checkout: "/home/gordon/waypost", cwd: "/home/gordon/waypost" })
  assert.deepEqual(text.split("\n"), [
    "Waypost is running (started in 0.3 s)",
    "  listening   127.0.0.1:2525 (MTA)",
    "  submission  127.0.0.1:2587 (MSA)",
    `  mail to     ${state}/mail/USER`,
    `  queue       ${state}/queue`,
    "  read        built-in default (waypost config --default prints it)",
    "  try         ./waypost talk",
    "",
  ])
})

const nextThings: readonly (readonly [string, string])[] = [
  ["/home/gordon/waypost", "./waypost talk"],
  ["/home/gordon", "./waypost/waypost talk"],
  ["/home/gordon/waypost/docs", "/home/gordon/waypost/waypost talk"],
]
for (const [cwd, command] of nextThings) {
  test(`the next thing to try can be typed as it stands in ${cwd}`, (t) => {
    const state = folder(t)
    const configured = loadConfiguration(undefined, state)
    assert.ok(configured.ok)
    const { settings } = configured.value
    const report = { settings, listeners: [], layout: layoutOf(state), mailUser: undefined, seconds: 1 }
    const text = printReport({ ...report, checkout: "/home/gordon/waypost", cwd })
    assert.ok(text.endsWith(`  ${command}\n`), text)
  })
}

test("the state directory is the one named, else the environment's, else root's or the checkout's own", () => {
  const plain = memoryIo()
  const named = memoryIo("", { WAYPOST_STATE: "/srv/waypost" })
  assert.equal(ownState("/tmp/state", named), "/tmp/state")
  assert.equal(ownState(undefined, named), "/srv/waypost")
  const otherwise = process.getuid?.() === 0 ? systemState : join(checkoutOf(plain.entry), "var")
  assert.equal(ownState(undefined, plain), otherwise)
  assert.equal(ownState("here", { ...plain, cwd: "/home/gordon" }), "/home/gordon/here")
  assert.equal(runningState("/tmp/state", named), "/tmp/state")
  assert.equal(checkoutOf("/opt/waypost/dist/0123456789ab/waypost.cjs"), "/opt/waypost")
})

test("a program that another user could not read is copied, once for each build", (t) => {
  const place = folder(t)
  const closed = join(place, "root/dist/0123456789ab")
  mkdirSync(closed, { recursive: true })
  for (const name of ["waypost.cjs", "main.cjs"]) writeFileSync(join(closed, name), name, { mode: 0o600 })
  writeFileSync(join(place, "root/node"), "node", { mode: 0o700 })
  chmodSync(join(place, "root"), 0o700)
  const program = { node: join(place, "root/node"), entry: join(closed, "waypost.cjs") }
  assert.equal(canRead(stranger, program.entry), false)

  const state = join(place, "state")
  const copy = copyProgram(program, state)
  assert.equal(readFileSync(copy.entry, "utf8"), "waypost.cjs")
  assert.equal(statSync(copy.node).mode & 0o777, 0o755)
  assert.equal(statSync(join(copy.entry, "../main.cjs")).mode & 0o777, 0o644)

  const made = statSync(copy.node).ino
  assert.deepEqual(copyProgram(program, state), copy)
  assert.equal(statSync(copy.node).ino, made, "not copied again")

  const next = join(place, "root/dist/ba9876543210")
  mkdirSync(next)
  writeFileSync(join(next, "waypost.cjs"), "newer")
  const newer = copyProgram({ ...program, entry: join(next, "waypost.cjs") }, state)
  assert.equal(readFileSync(newer.entry, "utf8"), "newer")
  assert.ok(existsSync(copy.entry), "a daemon may still run from the one before")
  for (const build of ["c1", "c2", "c3"]) {
    const entry = join(place, "root/dist", build, "waypost.cjs")
    mkdirSync(join(entry, ".."))
    writeFileSync(entry, build)
    copyProgram({ ...program, entry }, state)
  }
  assert.equal(readdirSync(join(state, "program")).length, 4, "Node and three builds")
})

test("the copy is of what dist/current leads to, never a link back into the closed checkout", (t) => {
  const place = folder(t)
  const closed = join(place, "root/dist/0123456789ab")
  mkdirSync(closed, { recursive: true })
  writeFileSync(join(closed, "waypost.cjs"), "waypost.cjs")
  writeFileSync(join(place, "root/node"), "node")
  symlinkSync("0123456789ab", join(place, "root/dist/current"))
  const entry = join(place, "root/dist/current/waypost.cjs") // as bin/waypost names it
  const copy = copyProgram({ node: join(place, "root/node"), entry }, join(place, "state"))
  rmSync(join(place, "root"), { recursive: true })
  assert.equal(readFileSync(copy.entry, "utf8"), "waypost.cjs")
})

test("a user can read a file when it can, and can enter every folder on the way", (t) => {
  const place = folder(t)
  chmodSync(place, 0o755)
  const file = join(place, "a/file")
  mkdirSync(join(place, "a"))
  writeFileSync(file, "", { mode: 0o644 })
  const modes: readonly (readonly [number, number, boolean])[] = [
    [0o711, 0o644, true],
    [0o750, 0o644, false],
    [0o755, 0o640, false],
  ]
  for (const [folderMode, fileMode, readable] of modes) {
    chmodSync(join(place, "a"), folderMode)
    chmodSync(file, fileMode)
    assert.equal(canRead(stranger, file), readable, `${folderMode.toString(8)} ${fileMode.toString(8)}`)
    assert.equal(canRead(statSync(file), file), true, "its owner")
  }
})

test("a folder that is not there yet is judged by those above it", (t) => {
  const place = folder(t) // 0700, as mkdtemp makes them
  assert.equal(canEnter(stranger, join(place, "state/run")), false)
  chmodSync(place, 0o711)
  assert.equal(canEnter(stranger, join(place, "state/run")), true)
})
