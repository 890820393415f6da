// What a recipe does with the message: forwards it, gives it to a program, filters it, keeps a program's answer in a variable, or
// stores it in folders.
import { type Answer, type Command, run, type Steps } from "./procmail-effects.ts"
import { Mail, withoutFrom } from "./procmail-mail.ts"
import { type Flags, type Machine, number, printCommand, programOf } from "./procmail-machine.ts"
import { lock, take } from "./procmail-variables.ts"

/** What the recipe's first line says beside its flags: `:0:` and `:0:NAME`. */
export type LocalLock = { readonly wanted: boolean; readonly name: string | undefined }

export type Recipe = {
  readonly machine: Machine
  readonly flags: Flags
  readonly lock: LocalLock
  /** Where the recipe stands, for what is told of it. */
  readonly at: number
}

/** `stops`: the message is delivered. */
export type Done = { readonly succeeded: boolean; readonly stops: boolean }

/** `! address …`: to sendmail, without the From_ line. */
export function* forward(recipe: Recipe, addresses: readonly string[]): Steps<Done> {
  const { machine } = recipe
  const flags = machine.get("SENDMAILFLAGS").split(/[ \t\n]+/)
  const to = machine.withArguments(addresses)
  const words = [machine.get("SENDMAIL"), ...flags.filter((flag) => flag !== ""), ...to]
  const part = parts(recipe)
  const input = part.which === "body" ? part.bytes : withoutFrom(part.bytes)
  return yield* pipe(recipe, { kind: "words", words }, input, `forwarded to ${to.join(" ")}`)
}

/** `| command`, and `VARIABLE=| command`. */
export function* toProgram(recipe: Recipe, line: string, variable: string | undefined): Steps<Done> {
  const { machine, flags } = recipe
  const command = yield* machine.command(line)
  const isBare = line.trim() === ""
  if (isBare) return yield* print(recipe)
  if (flags.has("c") && (flags.has("f") || variable !== undefined))
    machine.say("Extraneous copy-flag ignored")
  if (flags.has("f")) return yield* filter(recipe, command)
  if (variable !== undefined) return yield* capture(recipe, command, variable)
  return yield* pipe(recipe, command, parts(recipe).bytes, `given to the program ${printCommand(command)}`)
}

/** A lone `|`: to procmail's own output. */
function* print(recipe: Recipe): Steps<Done> {
  const { machine, flags } = recipe
  yield { wish: "print", message: inFull(parts(recipe).bytes, flags) }
  machine.setLastFolder("|")
  return delivered(recipe, "printed")
}

type Part = { readonly which: "head" | "body" | "all"; readonly bytes: Buffer }

/** The flags h and b: what of the message the action gets. */
function parts({ machine, flags }: Recipe): Part {
  const which = flags.has("h") === flags.has("b") ? "all" : flags.has("h") ? "head" : "body"
  return { which, bytes: machine.mail.part(which) }
}

/** Ended by an empty line, unless the recipe says r. */
function inFull(bytes: Buffer, flags: Flags): Buffer {
  const { length } = bytes
  const has = length >= 2 && bytes[length - 1] === 10 && bytes[length - 2] === 10
  return has || flags.has("r") ? bytes : Buffer.concat([bytes, Buffer.from("\n")])
}

function* pipe(recipe: Recipe, command: Command, bytes: Buffer, says: string): Steps<Done> {
  const { machine, flags } = recipe
  yield* lockFor(recipe, implicitLock(command))
  const waits = flags.has("w") || flags.has("W") || recipe.lock.wanted
  const input = inFull(bytes, flags)
  const ended = yield* machine.run({ command, input, capture: false, use: "delivery", wait: waits })
  machine.lastSize = input.length
  let failed = false
  if (!ended.wrote && !flags.has("i")) {
    machine.say(`Error while writing to "${programOf(command)}"`)
    failed = true
  }
  if (waits) failed = exited(recipe, command, ended.code) || failed
  machine.setLastFolder(command.kind === "words" ? command.words.join(" ") : command.line)
  if (!failed) return delivered(recipe, says)
  machine.tell({
    at: machine.origin(recipe.at),
    kind: "action",
    says: `${says}, which failed (${ended.code}): the next recipes are asked`,
  })
  return { succeeded: false, stops: false }
}

/** True when the exit code says that it failed; `W` says nothing of it in the log. */
function exited({ machine, flags }: Recipe, command: Command, code: number): boolean {
  machine.lastExit = code
  if (code === 0) return false
  if (flags.has("W")) machine.yell(`Non-zero exitcode (${code}) from "${programOf(command)}"`)
  else if (flags.has("w") || machine.verbose)
    machine.say(`Program failure (${code}) of "${programOf(command)}"`)
  return true
}

function delivered({ machine, flags, at }: Recipe, says: string): Done {
  machine.tell({ at: machine.origin(at), kind: "action", says: flags.has("c") ? `a copy ${says}` : says })
  return { succeeded: true, stops: !flags.has("c") }
}

function* filter(recipe: Recipe, command: Command): Steps<Done> {
  const { machine, flags } = recipe
  yield* lockFor(recipe, implicitLock(command))
  const { which, bytes } = parts(recipe)
  const { mail } = machine
  const wish = { command, input: inFull(bytes, flags), capture: true, use: "filter", wait: true } as const
  const ended = yield* machine.run(wish)
  const waits = flags.has("w") || flags.has("W") || recipe.lock.wanted
  const wrote = ended.wrote || flags.has("i")
  if (!wrote) machine.say(`Error while writing to "${programOf(command)}"`)
  const failed = (waits && exited(recipe, command, ended.code)) || !wrote
  machine.tell({
    at: machine.origin(recipe.at),
    kind: "action",
    says: failed
      ? `filtering through ${printCommand(command)} failed (${ended.code}): the message stays as it was`
      : `filtered through ${printCommand(command)}`,
  })
  if (failed) {
    machine.yell("Rescue of unfiltered data succeeded")
    return { succeeded: false, stops: false }
  }
  machine.mail = new Mail(around(mail, which, ended.output))
  return { succeeded: true, stops: false }
}

function around(mail: Mail, which: Part["which"], output: Buffer): Buffer {
  if (which === "all") return output
  return which === "head"
    ? Buffer.concat([output, mail.part("body")])
    : Buffer.concat([mail.part("head"), output])
}

function* capture(recipe: Recipe, command: Command, variable: string): Steps<Done> {
  const { machine, flags } = recipe
  yield* lockFor(recipe, implicitLock(command))
  const input = inFull(parts(recipe).bytes, flags)
  const ended = yield* machine.run({ command, input, capture: true, use: "variable", wait: true })
  const waits = flags.has("w") || flags.has("W") || recipe.lock.wanted
  const failed = waits && exited(recipe, command, ended.code)
  if (failed) return { succeeded: false, stops: false }
  let text = ended.output.toString("latin1")
  if (text.endsWith("\n")) text = text.slice(0, -1)
  machine.yell(`Assigning "${variable}="`)
  yield* take(machine, variable, text)
  return { succeeded: true, stops: false }
}

/** Into a folder, and links of it into other directories. */
export function* toFolders(recipe: Recipe, words: readonly string[]): Steps<Done> {
  const { machine, flags } = recipe
  const folders = words.filter((word) => word !== "")
  const [folder = ""] = folders
  if (folder === "|") return yield* print(recipe)
  yield* lockFor(recipe, isDirectory(folder) ? undefined : folder)
  const { which, bytes } = parts(recipe)
  const whole = flags.has("f") ? { which: "all", bytes: machine.mail.part("all") } : { which, bytes }
  const stored = yield* store(machine, {
    folders,
    message: whole.bytes,
    whole: whole.which !== "body",
    raw: flags.has("r"),
    locked: false,
  })
  if (stored) return delivered(recipe, `stored in ${machine.get("LASTFOLDER")}`)
  if (flags.has("i")) return delivered(recipe, `stored in ${folder}, though not all could be written`)
  return { succeeded: false, stops: false }
}

function isDirectory(folder: string): boolean {
  return folder.endsWith("/") || folder.endsWith("/.")
}

type Storing = {
  readonly folders: readonly string[]
  readonly message: Buffer
  readonly whole: boolean
  readonly raw: boolean
  readonly locked: boolean
}

/** Stores; false when it could not, which is said. */
export function* store(machine: Machine, storing: Storing): Steps<boolean> {
  yield* machine.flush()
  const { folders } = storing
  const answer = yield {
    wish: "store",
    ...storing,
    directory: machine.directory,
    berkeley: machine.setup.berkeley,
    prefix: machine.get("MSGPREFIX"),
    umask: Number.parseInt(machine.get("UMASK") || "77", 8) & 0o777,
  }
  if (answer.answer !== "stored") throw new Error(`storing answered "${answer.answer}"`)
  machine.lastSize = answer.octets
  machine.setLastFolder(answer.folder)
  sayOpened(machine, answer)
  if (answer.ok) return true
  machine.say(`Error while writing to "${folders[0] ?? ""}"`)
  machine.tell({
    at: machine.origin(),
    kind: "note",
    says: `nothing could be stored in ${folders[0] ?? ""}: ${answer.why}`,
  })
  return false
}

/** What the verbose log says of a file that was opened; links in other directories are LASTFOLDER too. */
function sayOpened(
  machine: Machine,
  { ok, folder, links = [] }: Extract<Answer, { answer: "stored" }>,
): void {
  if (!/(?:^|\/)new\/[^/]+$/.test(folder)) {
    machine.yell(`Opening "${folder}"`)
    if (ok && folder !== "/dev/null") machine.yell("Acquiring kernel-lock")
  }
  for (const link of links) machine.yell(`Linking to "${link}"`)
  if (links.length > 0) machine.variables.set("LASTFOLDER", [folder, ...links].join(" "))
}

/** `>>file` of a command line names the file whose lock is meant. */
function implicitLock(command: Command): string | undefined {
  if (command.kind === "words") return undefined
  return />>[ \t]*([^\s'"#$;|<>&()]+)/.exec(command.line)?.[1]
}

/** The recipe's lock file, when it wants one. */
export function* lockFor({ machine, lock: wish }: Recipe, folder: string | undefined): Steps<void> {
  if (!wish.wanted) return
  if (wish.name === undefined && folder === undefined) {
    machine.say("Couldn't determine implicit lockfile")
    return
  }
  const name = wish.name ?? `${folder}${machine.get("LOCKEXT")}`
  if (name !== "") machine.localLock = yield* lock(machine, name)
}

/** What procmail's log says of a delivery: sender, subject, folder, size (mailstat(1) reads it). */
export function abstract(machine: Machine, folder: string): void {
  const level = number(machine.variables.get("LOGABSTRACT"), -1)
  if (level === 0 || (level < 0 && machine.logFile === undefined && !machine.verbose)) return
  const head = machine.mail.part("head").toString("latin1")
  const from = /^From .*/.exec(head)?.[0]
  const subject = /^subject:.*/im.exec(head)?.[0]
  const lines = [
    ...(from === undefined ? [] : [from]),
    ...(subject === undefined ? [] : [` ${subject.slice(0, 78).replaceAll("\t", " ")}`]),
  ]
  const name = `  Folder: ${folder.slice(0, 61).replaceAll("\t", " ")}`
  const tabs = "\t".repeat(Math.max(1, Math.ceil((72 - (name.length - (name.length % 8))) / 8)))
  machine.log(`${[...lines, name].join("\n")}${tabs}${String(machine.lastSize).padStart(7)}\n`)
}

/** TRAP, and what it and EXITCODE make of the exit code. */
export function* trap(machine: Machine): Steps<void> {
  const line = machine.get("TRAP")
  const wanted = machine.exitWasSet ? number(machine.variables.get("EXITCODE"), -2) : undefined
  if (wanted !== undefined && wanted >= 0) machine.exitCode = wanted & 0xff
  if (line === "") return
  if (!machine.exitWasSet) {
    machine.yell(`Assigning "EXITCODE=${machine.exitCode}"`)
    machine.variables.set("EXITCODE", String(machine.exitCode))
  }
  const command = yield* machine.command(line)
  if (machine.verbose) machine.say(`Executing "${printCommand(command)}"`)
  machine.mail.isJoined = false
  yield* machine.flush()
  const { code } = yield* run({
    command,
    input: inFull(machine.mail.part("all"), new Set()),
    capture: false,
    use: "trap",
    wait: true,
    directory: machine.directory,
    environment: machine.variables,
    timeout: number(machine.variables.get("TIMEOUT"), 960),
    umask: 0o77,
    log: machine.logFile,
  })
  // EXITCODE set to something negative: the trap's exit code is procmail's.
  if (code !== 0 && wanted === -2) machine.exitCode = code
}
