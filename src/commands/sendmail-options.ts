// sendmail's command line, read as sendmail's getopt reads it: letters in one word, values with or without a space, -q and -d
// with or without a value. Only reading; sendmail.ts acts on what comes out.
import type { Notify } from "../mail/envelope.ts"
import { fail, ok, type Result } from "../mail/result.ts"

/** The letter of -b. */
export type Mode = "m" | "s" | "v" | "p" | "P" | "i" | "d" | "D" | "t" | "h" | "H"

/** Which messages a queue run is about: -qI, -qR, -qS, -qQ, -qG with the part that must be there; with `!` it must not. */
export type QueuePart = {
  readonly field: "I" | "R" | "S" | "Q" | "G"
  readonly part: string
  readonly not: boolean
}

/** What becomes of errors: printed, mailed to the sender, written to the terminal, mailed without an exit code, only the code. */
export type ErrorMode = "p" | "m" | "w" | "e" | "q"

export type SendmailOptions = {
  mode: Mode
  /** -t */
  recipientsFromHeader: boolean
  /** -i, -oi: a line of a single dot does not end the message. */
  ignoreDots: boolean
  /** -f, -r; "" or "<>" is the null sender. */
  sender: string | undefined
  /** Which of the two it was. */
  senderFlag: "f" | "r"
  fullName: string | undefined
  body: "7BIT" | "8BITMIME" | undefined
  notify: readonly Notify[] | undefined
  ret: "FULL" | "HDRS" | undefined
  envid: string | undefined
  verbose: boolean
  /** -G: another system's mail is passed on; its header is not completed. */
  gateway: boolean
  /** -oe, -e; undefined: as submit.mc says (confERROR_MODE), else p. */
  errorMode: ErrorMode | undefined
  /** -odq, -odd: into the queue, and there until the next queue run. */
  queueOnly: boolean
  /** -q: a queue run; the value of -q30m is the time between runs of a daemon. */
  queueRun: { readonly interval: string | undefined; readonly parts: readonly QueuePart[] } | undefined
  /** -Q: what -q names goes into quarantine for this reason; "": out of it. */
  quarantine?: string
  /** -C */
  config: string | undefined
  /** -d: what is traced; "" for everything. */
  debug?: string
  /** -X: a file that gets the conversation. */
  trafficLog: string | undefined
  /** -Ac: the client queue; -Am: the mail system's own, and its view of names. */
  queue: "client" | "main" | undefined
  state: string | undefined
  operands: readonly string[]
}

/** Letters that take a value, and letters that do not (sendmail's main.c). */
const withValue = "ABbCDdeFfhLMNOopQqRrVXx"
const alone = "cGIimnsTtUv"

const modes = "msvpPidDthH"

/** The whole name of an option of sendmail.cf, in whatever case it was written; undefined: there is none (config/options.ts). */
export type OptionNames = (name: string) => string | undefined

/** Whether these words may name such an option: only then need they be known. */
export function namesOption(argv: readonly string[]): boolean {
  return argv.some((word) => word.startsWith("-") && word.includes("O"))
}

/** Reads the words after the program's name. The error is sendmail's own line. */
export function readSendmailOptions(argv: readonly string[], names: OptionNames): Result<SendmailOptions> {
  const options = fresh()
  const operands: string[] = []
  for (let n = 0; n < argv.length; n++) {
    const word = argv[n] ?? ""
    if (word === "--") {
      operands.push(...argv.slice(n + 1))
      break
    }
    if (word === "--state") {
      options.state = argv[++n] ?? ""
      continue
    }
    if (!word.startsWith("-") || word === "-") {
      operands.push(word)
      continue
    }
    const used = readWord(options, word.slice(1), argv[n + 1], names)
    if (!used.ok) return used
    if (used.value === "and the next") n++
  }
  return ok({ ...options, operands })
}

function fresh(): SendmailOptions {
  return {
    mode: "m",
    recipientsFromHeader: false,
    ignoreDots: false,
    sender: undefined,
    senderFlag: "f",
    fullName: undefined,
    body: undefined,
    notify: undefined,
    ret: undefined,
    envid: undefined,
    verbose: false,
    gateway: false,
    errorMode: undefined,
    queueOnly: false,
    queueRun: undefined,
    config: undefined,
    trafficLog: undefined,
    queue: undefined,
    state: undefined,
    operands: [],
  }
}

/** One word of letters: `-tiv`, `-fme@grussell.org`, `-f` with its value in the next word. */
function readWord(
  options: SendmailOptions,
  letters: string,
  next: string | undefined,
  names: OptionNames,
): Result<"this word" | "and the next"> {
  for (let n = 0; n < letters.length; n++) {
    const letter = letters.charAt(n)
    if (alone.includes(letter)) {
      apply(options, letter)
      continue
    }
    if (!withValue.includes(letter)) return fail(`illegal option -- ${letter}`)
    const rest = letters.slice(n + 1)
    // These may stand alone: then the next word is not theirs.
    const inWord = rest !== "" || "qQd".includes(letter)
    if (!inWord && next === undefined) return fail(`option requires an argument -- ${letter}`)
    const given = inWord ? rest : (next ?? "")
    const wrong = letter === "O" ? applyLongOption(options, given, names) : applyValue(options, letter, given)
    if (wrong !== undefined) return fail(wrong)
    return ok(inWord ? "this word" : "and the next")
  }
  return ok("this word")
}

function apply(options: SendmailOptions, letter: string): void {
  switch (letter) {
    case "t":
      options.recipientsFromHeader = true
      break
    case "i":
      options.ignoreDots = true
      break
    case "v":
      options.verbose = true
      break
    case "G":
      options.gateway = true
      break
    case "I":
      options.mode = "i"
      break
    default: // c, m, n, s, T, U: of old, and of no effect on a submission
  }
}

/** Sets what the letter is for; the result is what was wrong with the value. */
function applyValue(options: SendmailOptions, letter: string, value: string): string | undefined {
  switch (letter) {
    case "b":
      return applyMode(options, value)
    case "f":
    case "r":
      options.sender = value
      options.senderFlag = letter
      return undefined
    case "F":
      options.fullName = value
      return undefined
    case "A":
      options.queue = value === "c" ? "client" : "main"
      return value === "c" || value === "m" ? undefined : "Invalid -A argument: use -Ac or -Am"
    case "B":
      return applyBody(options, value)
    case "N":
      return applyNotify(options, value)
    case "R":
      return applyRet(options, value)
    case "V":
      return applyEnvid(options, value)
    case "C":
      options.config = value
      return undefined
    case "X":
      options.trafficLog = value
      return undefined
    case "q":
      return applyQueue(options, value)
    case "Q":
      options.quarantine = value
      return undefined
    case "e":
      return applyErrorMode(options, value) ? undefined : `Invalid -e argument: ${value}`
    case "o":
      return applyShortOption(options, value)
    case "d":
      options.debug = value
      return undefined
    default: // D, h, L, M, p, x: debugging, names for logs, words for other programs
      return undefined
  }
}

function applyMode(options: SendmailOptions, value: string): string | undefined {
  if (value.length !== 1 || !modes.includes(value)) return `Invalid operation mode ${value}`
  options.mode = value as Mode // one of the letters of `modes`
  return undefined
}

function applyBody(options: SendmailOptions, value: string): string | undefined {
  const body = value.toUpperCase()
  if (body !== "7BIT" && body !== "8BITMIME") return `Illegal body type ${value}`
  options.body = body
  return undefined
}

/** RFC 3461 §4.1: NEVER alone, or any of the others. */
function applyNotify(options: SendmailOptions, value: string): string | undefined {
  const words = value.toLowerCase().split(",")
  if (words.length === 1 && words[0] === "never") {
    options.notify = ["never"]
    return undefined
  }
  const notify = words.filter((word) => word === "success" || word === "failure" || word === "delay")
  if (notify.length !== words.length) return `Invalid -N argument: ${value}`
  options.notify = notify
  return undefined
}

function applyRet(options: SendmailOptions, value: string): string | undefined {
  const word = value.toUpperCase()
  if (word !== "FULL" && word !== "HDRS") return `Invalid -R value: ${value}`
  options.ret = word
  return undefined
}

/** RFC 3461 §4.4: printable ASCII, at most 100 characters once it is xtext. */
function applyEnvid(options: SendmailOptions, value: string): string | undefined {
  if (!/^[\x20-\x7e]+$/.test(value) || value.length > 100) return "Invalid syntax in -V flag"
  options.envid = value
  return undefined
}

function applyQueue(options: SendmailOptions, value: string): string | undefined {
  const earlier = options.queueRun ?? { interval: undefined, parts: [] }
  const part = /^(!?)([IRSQG])(.*)$/s.exec(value)
  if (part !== null) {
    const field = part[2] as QueuePart["field"] // the pattern's own letters
    options.queueRun = {
      ...earlier,
      parts: [...earlier.parts, { field, part: part[3] ?? "", not: part[1] === "!" }],
    }
    return undefined
  }
  if (value === "" || value === "f") {
    options.queueRun = earlier
    return undefined
  }
  if (value === "p") {
    // Runners that never rest: whatever is due is always tried here, so the shortest time says the same.
    options.queueRun = { ...earlier, interval: "1s" }
    return undefined
  }
  if (!/^p?(?:\d+[smhdw]?)+$/.test(value)) return `Invalid -q argument: ${value}`
  options.queueRun = { ...earlier, interval: value.replace(/^p/, "") }
  return undefined
}

/** -oX: the option's letter of old, its value behind it. */
function applyShortOption(options: SendmailOptions, value: string): string | undefined {
  const letter = value.charAt(0)
  if (letter === "i") options.ignoreDots = !value.slice(1).toLowerCase().startsWith("f")
  else if (letter === "e") {
    if (!applyErrorMode(options, value.slice(1))) return `Invalid -oe argument: ${value.slice(1)}`
  } else if (letter === "d") {
    if (!applyDeliveryMode(options, value.slice(1))) return `Unknown delivery mode ${value.slice(1)}`
  } else if (letter === "v") options.verbose = true
  else if (!/^[A-Za-z0-9/#7]/.test(letter)) return `unknown option name ${letter}`
  return undefined
}

/** -O Name=value. Those that a submission has a use for are obeyed; others are the daemon's, and its alone to set. */
function applyLongOption(options: SendmailOptions, value: string, names: OptionNames): string | undefined {
  const [name = "", given = ""] = value.split("=", 2)
  const known = names(name.trim())
  if (known === undefined) return `unknown option name ${name.trim()}`
  if (known === "IgnoreDots") options.ignoreDots = /^(?:t|true|y|yes|1)?$/i.test(given.trim())
  if (known === "ErrorMode" && !applyErrorMode(options, given.trim().charAt(0)))
    return `Invalid ErrorMode: ${given.trim()}`
  if (known === "DeliveryMode" && !applyDeliveryMode(options, given.trim()))
    return `Unknown delivery mode ${given.trim()}`
  return undefined
}

function applyErrorMode(options: SendmailOptions, value: string): boolean {
  if (!isErrorMode(value)) return false
  options.errorMode = value
  return true
}

/** Whether it is one of the letters of -oe. */
export function isErrorMode(letter: string): letter is ErrorMode {
  return letter.length === 1 && "pmweq".includes(letter)
}

/** b(ackground), i(nteractive), q(ueue only), d(eferred): the daemon delivers, so only whether it is to begin matters here. */
function applyDeliveryMode(options: SendmailOptions, value: string): boolean {
  const letter = value === "" ? "b" : value.charAt(0).toLowerCase()
  if (!"biqd".includes(letter)) return false
  options.queueOnly = letter === "q" || letter === "d"
  return true
}
