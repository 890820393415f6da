// `waypost uninstall`, as root: undoes the steps that `waypost install` wrote down, the last one first. Mail is never removed.
import { existsSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs"
import { resolve } from "node:path"
import { readArguments, type Usage } from "./arguments.ts"
import { askOnce } from "./control-client.ts"
import { standing } from "./install.ts"
import { readRecord, type Step, writeRecord } from "./install-record.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"
import { findMailUser, removeMailUser, runAsRoot } from "./mail-user.ts"
import { systemState } from "./state.ts"

const usage: Usage = {
  name: "waypost uninstall",
  operands: "",
  mostOperands: 0,
  about: "As root: undoes what waypost install did. Mail and the queue are kept.",
  options: {
    quiet: { says: "say nothing when all is well" },
    root: { value: "DIR", says: "the file system under DIR" },
  },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  if (process.getuid?.() !== 0)
    return refuse(io, "waypost uninstall: only root can do that; sudo waypost uninstall", exits.noPermission)
  const root = resolve(io.cwd, given.text("root") ?? "/")
  const say = given.has("quiet") ? () => {} : (line: string) => void io.stdout.write(`${line}\n`)
  const steps = readRecord(root)
  if (root === "/" && steps.length > 0) await mustBeStopped()
  for (let left = steps.length; left > 0; left--) {
    const step = steps[left - 1]
    if (step !== undefined) say(undo(step, root))
    writeRecord(root, steps.slice(0, left - 1))
  }
  if (steps.length === 0) say("nothing is installed")
  return exits.ok
}

async function mustBeStopped(): Promise<void> {
  if (existsSync("/run/systemd/system") && existsSync("/etc/systemd/system/waypost.service")) {
    runAsRoot("systemctl", ["disable", "--now", "waypost"])
  }
  const answer = await askOnce(systemState, { verb: "ready" }).catch((error: unknown) => {
    if (error instanceof Refusal) return undefined // nobody there
    throw error
  })
  if (answer !== undefined)
    throw new Refusal(`it is running (pid ${String(answer["pid"])}): stop it first`, exits.tryAgain)
}

function undo(step: Step, root: string): string {
  switch (step.made) {
    case "user":
      if (findMailUser(root) === undefined) return `user ${step.name}: gone already`
      removeMailUser(root)
      return `user ${step.name}: removed`
    case "directory":
      return removeDirectory(step.path)
    case "file":
      rmSync(step.path, { force: true })
      return `${step.path}: removed`
    case "link":
      return unlink(step.path, step.to, step.aside)
  }
}

function removeDirectory(path: string): string {
  if (!existsSync(path)) return `${path}: gone already`
  if (readdirSync(path).length > 0)
    return `${path}: kept, there is mail in it; remove it yourself when you are sure`
  rmdirSync(path)
  return `${path}: removed`
}

function unlink(path: string, to: string, aside: string | undefined): string {
  const now = standing(path)
  // An update of a package may have put its own there since: then that is the right one.
  if (now !== undefined && now !== to) return `${path}: somebody else's by now, left as it is`
  rmSync(path, { force: true })
  if (aside === undefined) return `${path}: removed`
  if (standing(aside) === undefined) return `${path}: removed; ${aside} is gone`
  renameSync(aside, path)
  return `${path}: as it was before`
}
