// The procmail interpreter's state while one message is delivered: variables, the message, rcfiles and the place in them, what the
// recipes before came to, and what is to be said. The rules themselves are in procmail.ts and its neighbours.
import type { Origin } from "../mail/decision.ts"
import { type Expression, parseExpression } from "./egrep.ts"
import { type Command, run, type RunWish, type Steps } from "./procmail-effects.ts"
import type { Mail } from "./procmail-mail.ts"
import { Source } from "./procmail-source.ts"
import { allArguments, readWords, type Splitting, type Words, type WordWorld } from "./procmail-words.ts"

/** Who procmail works for, and how it was called. */
export type Setup = {
  readonly user: string
  readonly home: string
  readonly shell: string
  readonly hostname: string
  /** The mailbox of last resort. */
  readonly orgmail: string
  readonly path: string
  readonly sendmail: string
  readonly pid: number
  /** `$1`, `$2`, … (-a, or behind the rcfile of -m). */
  readonly arguments: readonly string[]
  readonly program: string
  /** -Y: Content-Length: means nothing. */
  readonly berkeley: boolean
  /** -t: what cannot be delivered is tried again. */
  readonly softFail: boolean
  readonly environment: ReadonlyMap<string, string>
  /** Where it was started. */
  readonly directory: string
  /** Each rule asked is written down; else only what was done. */
  readonly tellAll: boolean
}

/** One thing that was decided or done, with the line that said so. */
export type Told = {
  readonly at: Origin | undefined
  readonly kind: "condition" | "recipe" | "action" | "note"
  readonly says: string
  /** For conditions and recipes. */
  readonly matches?: boolean
}

/** More rcfiles within rcfiles are a loop. */
export const mostIncludes = 32
/** More statements than this in one delivery are a loop. */
const mostStatements = 100_000
/** The most that LINEBUF may be, and what it is at first. */
const lineBuffer = { least: 128, first: 2048, most: 1024 * 1024 }
/** What is said to a log in one delivery. */
const mostLog = 256 * 1024

/** Clones of clones of … are a loop. */
export const mostGenerations = 50

export type Flags = ReadonlySet<string>

/** A lock file by its path, and as the rcfile named it. */
export type HeldLock = { readonly path: string; readonly name: string }

export class Machine {
  readonly setup: Setup
  readonly told: Told[]
  variables: Map<string, string>
  mail: Mail
  files: { readonly source: Source; readonly depth: number }[] = []
  /** prevcond and lastcond of the blocks we are in. */
  blocks: { readonly previous: boolean; readonly last: boolean }[] = []
  /** Blocks open when the current rcfile began. */
  depth = 0
  /** Blocks that are passed over. */
  passed = 0
  previousMatched = false
  lastMatched = false
  lastSucceeded = false
  lastScore = 0
  lastExit = 0
  arguments: readonly string[]
  directory: string
  directoryWasSet = false
  logFile: string | undefined
  logText = ""
  logged = 0
  globalLock: HeldLock | undefined
  localLock: HeldLock | undefined
  exitCode = 73
  exitWasSet = false
  /** DELIVERED=yes: who asks is told that it is. */
  pretends = false
  lastSize = 0
  delivered = false
  ended = false
  statements = 0
  /** How many clones led to this one. */
  generation = 0

  constructor(setup: Setup, mail: Mail, told: Told[] = []) {
    this.setup = setup
    this.mail = mail
    this.told = told
    this.variables = new Map(setup.environment)
    this.arguments = setup.arguments
    this.directory = setup.directory
    if (setup.softFail) this.exitCode = 75
  }

  /** A machine that goes on from here by itself. */
  clone(): Machine {
    const other = new Machine(this.setup, this.mail.copy(), this.told)
    Object.assign(other, this)
    other.mail = this.mail.copy()
    other.variables = new Map(this.variables)
    other.files = this.files.map(({ source, depth }) => ({ source: source.copy(), depth }))
    other.blocks = [...this.blocks]
    other.globalLock = other.localLock = undefined
    other.logText = ""
    other.generation++
    return other
  }

  get source(): Source | undefined {
    return this.files.at(-1)?.source
  }

  get(name: string): string {
    return this.variables.get(name) ?? ""
  }

  get verbose(): boolean {
    return truth(this.variables.get("VERBOSE"), 0) > 0
  }

  get limit(): number {
    const wanted = Number.parseInt(this.get("LINEBUF"), 10) || lineBuffer.first
    return Math.min(Math.max(wanted, lineBuffer.least), lineBuffer.most)
  }

  /** Where the statement that begins at `at` stands. */
  origin(at?: number): Origin | undefined {
    const { source } = this
    return source === undefined ? undefined : { file: source.name, line: source.line(at), column: 1 }
  }

  tell(told: Told): void {
    if (this.told.length < mostTold) this.told.push(told)
  }

  /** To the log, as procmail says it. */
  say(line: string): void {
    this.log(`procmail: ${line}\n`)
  }

  yell(line: string): void {
    if (this.verbose) this.say(line)
  }

  setLastFolder(folder: string): void {
    this.yell(`Assigning "LASTFOLDER=${folder}"`)
    this.variables.set("LASTFOLDER", folder)
  }

  log(text: string): void {
    if (this.logged > mostLog) return
    this.logged += text.length
    this.logText += text
  }

  *flush(): Steps<void> {
    if (this.logText === "") return
    const text = this.logText
    this.logText = ""
    yield { wish: "log", file: this.logFile, text }
  }

  /** False when there were too many statements: an rcfile that goes round. */
  mayGoOn(): boolean {
    if (++this.statements <= mostStatements) return true
    this.say(`More than ${mostStatements} statements, giving up`)
    this.tell({ at: this.origin(), kind: "note", says: "the rcfiles go round: given up" })
    return false
  }

  words(source: Source, splitting: Splitting, isPassed = false, begun = ""): Steps<Words> {
    return readWords(source, splitting, this.#wordWorld(isPassed), begun)
  }

  /** The text with its $ forms put in. */
  *expanded(text: string): Steps<string> {
    const { words } = yield* this.words(new Source("", text), "text")
    return words.join(" ")
  }

  #wordWorld(isPassed: boolean): WordWorld {
    return {
      value: (name) => this.#value(name),
      special: (name) => this.#special(name),
      isPassed: isPassed || this.passed > 0,
      output: (line) => this.output(line),
      say: (line) => this.say(line),
      limit: this.limit,
    }
  }

  #value(name: string): string | undefined {
    if (!/^[0-9]/.test(name)) return this.variables.get(name)
    const n = Number(name)
    return n === 0 ? this.setup.program : this.arguments[n - 1]
  }

  #special(name: string): string {
    switch (name) {
      case "$":
        return String(this.setup.pid)
      case "?":
        return String(this.lastExit)
      case "#":
        return String(this.arguments.length)
      case "=":
        return String(this.lastScore)
      case "_":
        return this.source?.name ?? ""
    }
    return this.get("LASTFOLDER")
  }

  /** What a program says, with the message as its input: between backquotes. */
  *output(line: string): Steps<string> {
    const command = yield* this.command(line)
    this.mail.isJoined = false
    const ended = yield* this.run({
      command,
      input: this.mail.part("all"),
      capture: true,
      use: "variable",
      wait: true,
    })
    this.lastExit = ended.code
    let text = ended.output.toString("latin1")
    if (text.length > this.limit) {
      this.say(`Excessive output quenched from "${line}"`)
      text = text.slice(0, this.limit)
    }
    // A loop: no expression that looks for the end of many line ends.
    let end = text.length
    while (end > 0 && text[end - 1] === "\n") end--
    return text.slice(0, end)
  }

  /** A command line: for the shell if it has one of SHELLMETAS, else in words. */
  *command(line: string): Steps<Command> {
    const metas = this.get("SHELLMETAS")
    // `test` is the shell's own, quicker than a program of that name.
    if (!/^[ \t]*test[ \t]/.test(line) && ![...line].some((c) => metas.includes(c))) {
      const { words, overflow } = yield* this.words(new Source("", line), "words")
      if (!overflow) return { kind: "words", words: this.withArguments(words) }
    }
    return { kind: "shell", shell: this.get("SHELL") || "/bin/sh", flags: this.get("SHELLFLAGS"), line }
  }

  /** "$@" where it stands at the end of a word. */
  withArguments(words: readonly string[]): readonly string[] {
    return words.flatMap((word) => {
      if (!word.includes(allArguments)) return [word]
      const before = word.replaceAll(allArguments, "")
      return before === "" ? this.arguments : [before, ...this.arguments]
    })
  }

  *run(
    wish: Pick<RunWish, "command" | "input" | "capture" | "use" | "wait">,
  ): Steps<{ readonly code: number; readonly output: Buffer; readonly wrote: boolean }> {
    if (this.verbose) this.say(`Executing "${printCommand(wish.command)}"`)
    yield* this.flush()
    return yield* run({
      ...wish,
      directory: this.directory,
      environment: this.variables,
      timeout: number(this.variables.get("TIMEOUT"), 960),
      umask: Number.parseInt(this.get("UMASK") || "77", 8) & 0o777,
      log: this.logFile,
    })
  }

  expression(source: string, distinguishCase: boolean): Expression | undefined {
    const expression = expressionOf(source, distinguishCase)
    if (expression === undefined) this.say(`Too large a regexp "${source.slice(0, 200)}"`)
    else if (expression.invalid) this.say(`Invalid regexp "${source}"`)
    return expression
  }

  /** A path as it is meant: from the directory of MAILDIR. */
  path(name: string): string {
    return name.startsWith("/") ? name : `${this.directory === "/" ? "" : this.directory}/${name}`
  }
}

const mostTold = 5000

/** As procmail's log names a program that failed: without its arguments, where no shell had the line. */
export function programOf(command: Command): string {
  return command.kind === "words" ? (command.words[0] ?? "") : command.line
}

/** As it would be typed. */
export function printCommand(command: Command): string {
  return command.kind === "words" ? command.words.join(",") : command.line
}

/** A number of procmail's: digits, or a word that is yes or no; `byDefault` when it is neither. */
export function number(text: string | undefined, byDefault: number): number {
  if (text === undefined) return byDefault
  const digits = /^\s*[+-]?\d+/.exec(text)
  return digits === null ? truth(text, byDefault) : Number(digits[0])
}

function truth(text: string | undefined, byDefault: number): number {
  if (text === undefined) return byDefault
  if (/^\s*[+-]?\d/.test(text)) return Number.parseInt(text, 10)
  if (/^\s*(?:on|[yte])/i.test(text)) return 1
  if (/^\s*(?:off|[nfd])/i.test(text)) return 0
  return /^\s*a/i.test(text) ? 2 : byDefault
}

const expressions = new Map<string, Expression | undefined>()
const mostExpressions = 2000

/** Each expression is understood once; those of the same rcfile come again with the next message. */
function expressionOf(source: string, distinguishCase: boolean): Expression | undefined {
  const key = `${distinguishCase ? "D" : "i"}${source}`
  const known = expressions.get(key)
  if (known !== undefined) return known
  const made = parseExpression(source, distinguishCase)
  if (expressions.size >= mostExpressions) expressions.clear()
  expressions.set(key, made)
  return made
}
