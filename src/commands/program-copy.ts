// The mail process runs as a user of its own, who must be able to read the program. A checkout in root's home is closed to it:
// then root runs a copy that lies in the state directory.
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { makeState } from "../daemon/layout.ts"
import { exits, Refusal } from "./io.ts"

export type Program = { readonly node: string; readonly entry: string }

type Who = { readonly uid: number; readonly gid: number }

/** Whether the user can read the file: its own mode, and each folder on the way. */
export function canRead(who: Who, path: string): boolean {
  return permits(who, path, 0o4) && canEnter(who, dirname(path))
}

/** Whether the user can go into the folder, as far as it is there already. */
export function canEnter(who: Who, path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(folder) && !permits(who, folder, 0o1)) return false
    if (folder === dirname(folder)) return true
  }
}

/** The mode bits for owner, group and others, as the kernel chooses among them. */
function permits(who: Who, path: string, bit: number): boolean {
  const { uid, gid, mode } = statSync(path)
  const shift = uid === who.uid ? 6 : gid === who.gid ? 3 : 0
  return (mode & (bit << shift)) !== 0
}

/** The copy of this program under the state directory, made when there is none of this build. */
export function copyProgram({ node, entry }: Program, state: string): Program {
  // bin/ comes by dist/current: what it leads to is copied, for a link into a closed checkout helps nobody.
  const program = { node: realpathSync(node), entry: realpathSync(entry) }
  const folder = join(state, "program")
  const made = makeState(state)
  if (!made.ok) throw new Refusal(made.error, exits.cannotCreate)
  own(state)
  own(folder)
  const build = basename(dirname(program.entry))
  const copy = {
    node: join(folder, `node-${process.versions.node}`),
    entry: join(folder, build, basename(program.entry)),
  }
  if (!existsSync(copy.node)) aside(copy.node, (path) => copyFileSync(program.node, path))
  chmodSync(copy.node, 0o755)
  if (!existsSync(copy.entry))
    aside(dirname(copy.entry), (path) => cpSync(dirname(program.entry), path, { recursive: true }))
  openTree(dirname(copy.entry))
  writeSendmail(copy)
  removeOld(folder, build)
  return copy
}

/** What users' recipes forward by: the sendmail of bin/ is closed to them, too. */
function writeSendmail({ node, entry }: Program): void {
  const quoted = (path: string) => `'${path.replaceAll("'", String.raw`'\''`)}'`
  const line = `exec ${quoted(node)} --disable-warning=ExperimentalWarning ${quoted(entry)} sendmail "$@"`
  const path = join(dirname(entry), "sendmail")
  writeFileSync(path, `#!/bin/sh\n${line}\n`)
  chmodSync(path, 0o755)
}

/** We run what lies here with all our rights: it is ours alone to write, and what somebody else put there is not used. */
function own(folder: string): void {
  const me = process.getuid?.()
  const before = lstatSync(folder, { throwIfNoEntry: false })
  if (before !== undefined && basename(folder) === "program" && before.uid !== me)
    rmSync(folder, { recursive: true })
  mkdirSync(folder, { recursive: true })
  if (me !== undefined && statSync(folder).uid !== me) chownSync(folder, me, process.getgid?.() ?? 0)
  chmodSync(folder, 0o755)
}

/** A daemon may still run from an older one. */
function removeOld(folder: string, build: string): void {
  const builds = readdirSync(folder)
    .filter((name) => name !== build && !name.startsWith("node-"))
    .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .toSorted((a, b) => b.at - a.at)
  for (const { path } of builds.slice(2)) rmSync(path, { recursive: true, force: true })
}

/** A copy that was interrupted is never taken for a whole one. */
function aside(target: string, copy: (path: string) => void): void {
  const path = `${target}.${process.pid}`
  try {
    copy(path)
    renameSync(path, target)
  } catch (error) {
    rmSync(path, { recursive: true, force: true })
    const why =
      (error as NodeJS.ErrnoException).code === "ENOSPC" ? "no space left on the device" : String(error)
    throw new Refusal(`${target}: the program could not be copied here: ${why}`, exits.cannotCreate)
  }
}

function openTree(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isFile()) chmodSync(join(folder, entry.name), 0o644)
  }
}
