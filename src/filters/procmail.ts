// procmail: rcfiles are read statement by statement, and each is done as it is read, so that what a variable is set to steers what
// is read next. Nothing here touches the world: wishes are yielded, and answers come back (procmail-effects.ts).
import type { Steps } from "./procmail-effects.ts"
import {
  abstract,
  type Done,
  forward,
  lockFor,
  type Recipe,
  store,
  toFolders,
  toProgram,
  trap,
} from "./procmail-actions.ts"
import { conditions } from "./procmail-conditions.ts"
import { Machine, mostGenerations, type Setup, type Told } from "./procmail-machine.ts"
import { Mail } from "./procmail-mail.ts"
import { Source } from "./procmail-source.ts"
import { assign, leaveFile, unlockGlobally, unlockLocally } from "./procmail-variables.ts"

export type Rcfile = {
  readonly kind: "rcfile"
  readonly path: string
  /** The user's own: nobody else may be able to write it. */
  readonly strict: boolean
  /** It need not be there. */
  readonly optional: boolean
  /** /etc/procmailrc: the user's is read after it. */
  readonly system: boolean
  /** MAILDIR when it begins, unless it was set before; undefined: where procmail was started. */
  readonly directory: string | undefined
}

/** An rcfile to read, or an assignment of the command line. Of several rcfiles the first that can be read counts. */
export type Start = Rcfile | { readonly kind: "assignment"; readonly name: string; readonly value: string }

export type Ended = {
  readonly exitCode: number
  /** Stored, forwarded or given to a program, as the recipes wished. */
  readonly delivered: boolean
  readonly told: readonly Told[]
  readonly mail: Buffer
}

/** Delivers one message. /etc/procmailrc first, then the first rcfile that can be read, then DEFAULT, then ORGMAIL. */
export function* procmail(setup: Setup, message: Buffer, starts: readonly Start[]): Steps<Ended> {
  const machine = new Machine(setup, new Mail(message))
  initial(machine)
  for (const start of starts) {
    if (start.kind === "assignment") {
      yield* assign(machine, start.name, yield* machine.expanded(start.value))
      continue
    }
    const wasRead = yield* rcfile(machine, start)
    if (machine.ended || (wasRead && !start.system)) break
  }
  return yield* finish(machine)
}

function initial(machine: Machine): void {
  const { user, home, shell, hostname, orgmail, path, sendmail } = machine.setup
  const first: Readonly<Record<string, string>> = {
    LINEBUF: "2048",
    LOGNAME: user,
    HOME: home,
    SHELL: shell,
    ORGMAIL: orgmail,
    HOST: hostname,
    LOCKEXT: ".lock",
    MSGPREFIX: "msg.",
    SHELLMETAS: "&|<>~;?*[",
    SHELLFLAGS: "-c",
    DEFAULT: orgmail,
    SENDMAIL: sendmail,
    SENDMAILFLAGS: "-oi",
    PROCMAIL_VERSION: "3.22",
    PATH: path,
  }
  for (const [name, value] of Object.entries(first)) machine.variables.set(name, value)
}

/** False when it cannot be read, which is said. */
function* rcfile(machine: Machine, { path, strict, optional, system, directory }: Rcfile): Steps<boolean> {
  const answer = yield { wish: "read", path, strict }
  if (answer.answer !== "text") {
    const why = answer.answer === "refused" ? answer.why : answer.answer
    if (!optional || why !== "no such file") {
      machine.say(`${why === "no such file" ? "Couldn't read" : "Suspicious rcfile"} "${path}"`)
      machine.tell({ at: { file: path, line: 1, column: 1 }, kind: "note", says: `not read: ${why}` })
    }
    return false
  }
  machine.yell(`Rcfile: "${path}"`)
  if (!machine.directoryWasSet && !system) {
    machine.directory = directory ?? machine.directory
    machine.variables.set("MAILDIR", directory ?? ".")
  }
  machine.files = [{ source: new Source(path, answer.text), depth: 0 }]
  machine.previousMatched = machine.lastMatched = machine.lastSucceeded = false
  yield* statements(machine)
  return true
}

/** Statements until the message is delivered or nothing is left to read. */
function* statements(machine: Machine): Steps<void> {
  while (!machine.ended) {
    const { source } = machine
    if (source === undefined) return
    if (!machine.mayGoOn()) {
      machine.files.length = 0
      return
    }
    yield* unlockLocally(machine)
    skipEmpty(source)
    if (source.isAtEnd()) {
      if (!leaveFile(machine)) return
    } else if (source.takes(":")) yield* readRecipe(machine, source.at - 1)
    else if (source.takes("}")) closeBlock(machine)
    else yield* assignment(machine)
  }
}

function skipEmpty(source: Source): void {
  for (;;) {
    source.skipBlanks()
    if (source.takes("\n")) continue
    if (!source.takes("#")) return
    source.restOfLine()
  }
}

function closeBlock(machine: Machine): void {
  if (machine.passed > 0) {
    machine.passed--
    return
  }
  const block = machine.blocks.length > machine.depth ? machine.blocks.pop() : undefined
  if (block === undefined) return machine.say("Closing brace unexpected")
  machine.previousMatched = block.previous
  machine.lastMatched = block.last
}

/** `NAME=value`, or `NAME` alone, which takes the variable away. */
function* assignment(machine: Machine): Steps<void> {
  const { source } = machine
  if (source === undefined) return
  const name = variableName(source)
  if (name === undefined) {
    machine.say(`Skipped "${source.restOfLine()}"`)
    return
  }
  source.skipBlanks()
  if (!source.takes("=")) {
    if (machine.passed === 0) yield* assign(machine, name, undefined)
    return
  }
  const { words, overflow } = yield* machine.words(source, "value")
  if (overflow) machine.variables.set("PROCMAIL_OVERFLOW", "yes")
  else if (machine.passed === 0) yield* assign(machine, name, words.join(" "))
}

/** A name that a blank, a line end or = follows. */
function variableName(source: Source): string | undefined {
  const { text, at } = source
  let end = at
  while (/^\w$/.test(text[end] ?? "")) end++
  const follows = text[end]
  const isName = end > at && !/^\d/.test(text[at] ?? "")
  if (!isName || (follows !== undefined && !" \t\n=".includes(follows))) return undefined
  source.at = end
  return text.slice(at, end)
}

type Head = { readonly flags: ReadonlySet<string>; readonly count: number; readonly lock: Recipe["lock"] }

const knownFlags = "HBDAahbfcwWiEer"

/** `:0fw:lockfile`: behind the colon. */
function* head(machine: Machine, source: Source): Steps<Head> {
  const { words } = yield* machine.words(source, "words")
  const line = words.join("\0")
  const number = /^[ \t]*-?\d+/.exec(line)?.[0] ?? ""
  const flags = new Set<string>()
  let at = number.length
  let lock: Recipe["lock"] = { wanted: false, name: undefined }
  for (; at < line.length; at++) {
    const c = line[at] ?? ""
    if (c === ":") {
      const [name = "", ...rest] = line.slice(at + 1).split("\0")
      lock = { wanted: true, name: name || rest.shift() }
      if (rest.length > 0) machine.say(`Skipped "${rest.join(" ")}"`)
      break
    }
    if (c === "\0" || c === " " || c === "\t") continue
    if (!knownFlags.includes(c)) {
      machine.say(`Skipped "${line.slice(at).replaceAll("\0", " ")}"`)
      break
    }
    flags.add(c)
  }
  const hasOther = ["A", "a", "E", "e"].some((flag) => flags.has(flag))
  return { flags, lock, count: number === "" ? (hasOther ? 0 : 1) : Number(number) }
}

function* readRecipe(machine: Machine, start: number): Steps<void> {
  const { source } = machine
  if (source === undefined) return
  for (let at = start; ; at = source.at - 1) {
    const { flags, count, lock } = yield* head(machine, source)
    const { matches, hasAction } = yield* conditions(machine, flags, count)
    remember(machine, flags, matches && hasAction)
    if (!hasAction) continue // another recipe began where the action should be
    if (machine.setup.tellAll && machine.passed === 0)
      machine.tell({ at: machine.origin(at), kind: "recipe", says: "", matches })
    return yield* act({ machine, flags, lock, at }, matches)
  }
}

function remember(machine: Machine, flags: ReadonlySet<string>, matches: boolean): void {
  if (machine.passed > 0) return
  if (!flags.has("A") && !flags.has("a")) machine.lastMatched = matches
  if (!machine.previousMatched || !flags.has("E")) machine.previousMatched = matches
}

function* act(recipe: Recipe, matches: boolean): Steps<void> {
  const { machine } = recipe
  const { source } = machine
  if (source === undefined) return
  if (matches) machine.mail.isJoined = false
  source.skipBlanks()
  if (source.isAtEnd()) return machine.say("Incomplete recipe")
  const done = yield* action(recipe, matches, source)
  if (done === undefined) return
  machine.lastSucceeded = done.succeeded
  if (done.succeeded && !done.stops && logsCopies(machine)) abstract(machine, machine.get("LASTFOLDER"))
  if (!done.stops) return
  machine.delivered = true
  machine.ended = true
}

/** LOGABSTRACT=all. */
function logsCopies(machine: Machine): boolean {
  return /^\s*(?:a|2)/i.test(machine.get("LOGABSTRACT"))
}

/** Reads the action, and does it when the recipe matches; undefined when nothing was done. */
function* action(recipe: Recipe, matches: boolean, source: Source): Steps<Done | undefined> {
  const { machine } = recipe
  if (source.takes("!")) return yield* forwarding(recipe, matches, source)
  if (source.takes("|")) return yield* piping(recipe, matches, source, undefined)
  if (opensBlock(source)) return yield* openBlock(recipe, matches)
  const from = source.at
  const name = variableName(source)
  if (name !== undefined) {
    source.skipBlanks()
    if (source.takes("=")) {
      source.skipBlanks()
      if (source.takes("|")) return yield* piping(recipe, matches, source, name)
      if (source.takes("!")) return yield* forwarding(recipe, matches, source)
    }
  }
  source.at = from
  if (recipe.flags.has("f") && matches) machine.say("Extraneous filter-flag ignored")
  const { words, overflow } = yield* machine.words(source, "words", !matches)
  if (!matches) return undefined
  return overflow ? { succeeded: false, stops: false } : yield* toFolders(recipe, words)
}

function* forwarding(recipe: Recipe, matches: boolean, source: Source): Steps<Done | undefined> {
  const { words, overflow } = yield* recipe.machine.words(source, "words", !matches)
  if (!matches) return undefined
  return overflow ? { succeeded: false, stops: false } : yield* forward(recipe, words)
}

function* piping(
  recipe: Recipe,
  matches: boolean,
  source: Source,
  variable: string | undefined,
): Steps<Done | undefined> {
  const line = source.longLine()
  return matches ? yield* toProgram(recipe, line, variable) : undefined
}

function opensBlock(source: Source): boolean {
  const { text, at } = source
  if (text[at] !== "{" || !" \t\n".includes(text[at + 1] ?? "\n")) return false
  source.at += 2
  return true
}

const ignoredOnBlocks: Readonly<Record<string, string>> = {
  b: "deliver-body flag",
  h: "deliver-head flag",
  i: "ignore-write-error flag",
  r: "raw-mode flag",
}

function* openBlock(recipe: Recipe, matches: boolean): Steps<Done | undefined> {
  const { machine, flags } = recipe
  for (const [flag, name] of Object.entries(ignoredOnBlocks))
    if (flags.has(flag)) machine.say(`Extraneous ${name} ignored`)
  if (!matches) {
    machine.passed++
    return undefined
  }
  if (recipe.lock.wanted && !flags.has("c")) machine.say("Extraneous locallockfile ignored")
  if (flags.has("c")) return yield* cloned(recipe)
  machine.blocks.push({ previous: machine.previousMatched, last: machine.lastMatched })
  return { succeeded: true, stops: false }
}

/** A block with `c`: a clone goes on as usual to its end, and we go on behind the block. */
function* cloned(recipe: Recipe): Steps<Done> {
  const { machine, flags } = recipe
  if (machine.generation >= mostGenerations) {
    machine.say(`Clones of clones, more than ${mostGenerations}: no copy is made`)
    machine.passed++
    return { succeeded: false, stops: false }
  }
  yield* lockFor(recipe, undefined)
  machine.yell('Forking "procmail"')
  yield* machine.flush()
  const clone = machine.clone()
  clone.blocks.push({ previous: machine.previousMatched, last: machine.lastMatched })
  clone.lastSucceeded = true
  yield* statements(clone)
  const { exitCode } = yield* finish(clone)
  machine.statements = clone.statements // clones of clones of clones end too
  const waits = flags.has("w") || flags.has("W") || recipe.lock.wanted
  machine.passed++
  if (waits && exitCode !== 0) {
    if (flags.has("w") || machine.verbose) machine.say(`Program failure (${exitCode}) of "procmail"`)
    return { succeeded: false, stops: false }
  }
  return { succeeded: true, stops: false }
}

/** What no recipe has delivered goes to DEFAULT, or else to ORGMAIL; then the log, TRAP and the exit code. */
function* finish(machine: Machine): Steps<Ended> {
  machine.mail.isJoined = false
  const lost = machine.ended && !machine.delivered // HOST: the mail is another's
  if (!machine.ended) machine.delivered = yield* byDefault(machine)
  if (machine.delivered) machine.exitCode = 0
  yield* unlockLocally(machine)
  yield* unlockGlobally(machine)
  if (lost) machine.lastSize = 0
  abstract(machine, lost ? "" : lastFolder(machine))
  yield* trap(machine)
  yield* machine.flush()
  const { exitCode, told, mail } = machine
  return {
    exitCode: machine.pretends && exitCode !== 0 ? 0 : exitCode,
    delivered: machine.delivered,
    told,
    mail: mail.bytes,
  }
}

function lastFolder(machine: Machine): string {
  if (machine.delivered) return machine.get("LASTFOLDER")
  return machine.exitCode === 75 ? "**Requeued**" : "**Bounced**"
}

function* byDefault(machine: Machine): Steps<boolean> {
  const folder = machine.get("DEFAULT")
  const last = machine.get("ORGMAIL")
  const folders = [folder, last].filter((name, n, all) => name !== "" && all.indexOf(name) === n)
  for (const name of folders) {
    const message = machine.mail.part("all")
    const lockName = `${name}${machine.get("LOCKEXT")}`
    const hasLock = name === folder && !/\/\.?$/.test(name)
    if (hasLock) machine.yell(`Locking "${lockName}"`)
    const ok = yield* store(machine, { folders: [name], message, whole: true, raw: false, locked: true })
    if (hasLock) machine.yell(`Unlocking "${lockName}"`)
    if (!ok) continue
    const which = name === folder ? "DEFAULT" : "ORGMAIL"
    machine.tell({
      at: undefined,
      kind: "action",
      says: `stored in ${machine.get("LASTFOLDER")} (${which}): no recipe delivered it`,
    })
    return true
  }
  return false
}
