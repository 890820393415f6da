// The variables that do something when they are set (procmailrc(5), "Miscellaneous" and before).
import type { Steps } from "./procmail-effects.ts"
import { type HeldLock, type Machine, mostIncludes, number } from "./procmail-machine.ts"
import { Source } from "./procmail-source.ts"

/** Names that steer what procmail itself runs; and those of the loader are never set. */
const forbidden = /^(?:LD_|_RLD|LIBPATH$|ELF_LD_|AOUT_LD_)/

/** Sets a variable, or takes it away when `value` is undefined, and does what that means. */
export function* assign(machine: Machine, name: string, value: string | undefined): Steps<void> {
  machine.yell(`Assigning "${name}${value === undefined ? "" : `=${value}`}"`)
  yield* take(machine, name, value)
}

/** The same without a word in the log. */
export function* take(machine: Machine, name: string, value: string | undefined): Steps<void> {
  if (forbidden.test(name)) return
  if (value === undefined) machine.variables.delete(name)
  else machine.variables.set(name, value)
  yield* magic(machine, name, value ?? "")
}

function* magic(machine: Machine, name: string, value: string): Steps<void> {
  switch (name) {
    case "MAILDIR":
      return yield* enter(machine, value)
    case "LOGFILE":
      yield* machine.flush()
      machine.logFile = value === "" ? undefined : machine.path(value)
      return
    case "LOG":
      return machine.log(value)
    case "EXITCODE":
      machine.exitWasSet = true
      return
    case "SHIFT": {
      const by = number(value, 0)
      if (by > 0) machine.arguments = machine.arguments.slice(by)
      return
    }
    case "DELIVERED":
      if (number(value, 0) > 0) machine.pretends = true
      return
    case "LOCKFILE":
      return yield* lockGlobally(machine, value)
    case "INCLUDERC":
      return yield* include(machine, value)
    case "SWITCHRC":
      return yield* switchTo(machine, value)
    case "HOST":
      return otherHost(machine, value)
  }
}

function* enter(machine: Machine, value: string): Steps<void> {
  const path = machine.path(value === "" ? "." : value)
  const answer = yield { wish: "enter", path }
  if (answer.answer === "refused") {
    machine.say(`Couldn't chdir to "${value}"`)
    machine.yell('Assigning "MAILDIR=."')
    machine.variables.set("MAILDIR", ".")
    return
  }
  machine.directory = value === "." ? machine.directory : path
  machine.directoryWasSet = true
}

function* lockGlobally(machine: Machine, value: string): Steps<void> {
  yield* unlockGlobally(machine)
  if (value !== "") machine.globalLock = yield* lock(machine, value)
}

/** Gives LOCKFILE's lock back. */
export function* unlockGlobally(machine: Machine): Steps<void> {
  yield* unlock(machine, machine.globalLock)
  machine.globalLock = undefined
}

/** Gives the recipe's lock back. */
export function* unlockLocally(machine: Machine): Steps<void> {
  yield* unlock(machine, machine.localLock)
  machine.localLock = undefined
}

function* unlock(machine: Machine, held: HeldLock | undefined): Steps<void> {
  if (held === undefined) return
  machine.yell(`Unlocking "${held.name}"`)
  yield { wish: "unlock", path: held.path }
}

/** Takes a lock file; when it cannot be had the mail goes on without, as procmail does, and it is said. */
export function* lock(machine: Machine, name: string): Steps<HeldLock | undefined> {
  const path = machine.path(name)
  const sleep = number(machine.variables.get("LOCKSLEEP"), 8)
  const timeout = number(machine.variables.get("LOCKTIMEOUT"), 1024)
  machine.yell(`Locking "${name}"`)
  const answer = yield { wish: "lock", path, sleep, timeout }
  if (answer.answer !== "refused") return { path, name }
  machine.say(`Lock failure on "${name}"`)
  return undefined
}

/** An rcfile, read; undefined when it cannot be, which is said. An empty one and /dev/null are nothing to read. */
function* open(machine: Machine, name: string): Steps<Source | "empty" | undefined> {
  if (name === "" || name === "/dev/null") return "empty"
  const answer = yield { wish: "read", path: machine.path(name), strict: false }
  if (answer.answer === "text")
    return answer.text === "" ? "empty" : new Source(shown(machine, name), answer.text)
  const why = answer.answer === "refused" ? answer.why : answer.answer
  machine.say(`Couldn't read "${name}"`)
  machine.tell({ at: machine.origin(), kind: "note", says: `${name} is not read: ${why}` })
  return undefined
}

function shown(machine: Machine, name: string): string {
  return name.startsWith("/") ? name : machine.path(name)
}

function* include(machine: Machine, name: string): Steps<void> {
  if (machine.source === undefined) return
  if (machine.files.length >= mostIncludes) {
    machine.say(`INCLUDERC within INCLUDERC more than ${mostIncludes} times: "${name}" is not read`)
    machine.tell({
      at: machine.origin(),
      kind: "note",
      says: `${name} is not read: more than ${mostIncludes} files within each other`,
    })
    return
  }
  const source = yield* open(machine, name)
  if (source === undefined || source === "empty") return
  machine.files.push({ source, depth: machine.depth })
  machine.depth = machine.blocks.length
}

function* switchTo(machine: Machine, name: string): Steps<void> {
  if (machine.source === undefined) return
  const source = yield* open(machine, name)
  if (source === undefined) return
  machine.blocks.length = machine.depth // all braces are closed
  const left = machine.files.pop()
  if (source === "empty") closeFile(machine, left?.depth ?? 0)
  else machine.files.push({ source, depth: left?.depth ?? 0 })
}

/** Back to the file that included this one. */
function closeFile(machine: Machine, depth: number): void {
  machine.passed = 0
  machine.depth = depth
}

/** Leaves the rcfile that has been read to its end; false when it was the last. */
export function leaveFile(machine: Machine): boolean {
  const left = machine.files.pop()
  if (machine.blocks.length > machine.depth) {
    machine.blocks.length = machine.depth
    machine.say("Missing closing brace")
  }
  closeFile(machine, left?.depth ?? 0)
  return machine.files.length > 0
}

/** An rcfile that is for another host ends here; with no other to read, the mail is the other host's. */
function otherHost(machine: Machine, value: string): void {
  const { hostname } = machine.setup
  if (value === hostname || machine.source === undefined) return
  machine.yell(`HOST mismatched "${hostname}"`)
  machine.tell({ at: machine.origin(), kind: "note", says: `HOST is ${value}, and this is ${hostname}` })
  machine.files.length = 0
  machine.blocks.length = machine.depth = machine.passed = 0
  machine.exitCode = 0
  machine.ended = true
}
