// mail's command line, read as getopt reads it: letters in one word, values with or without a space.
import { fail, ok, type Result } from "../../mail/result.ts"

export type MailOptions = {
  subject: string | undefined
  cc: string[]
  bcc: string[]
  attach: string[]
  headers: string[]
  sender: string | undefined
  skipEmpty: boolean
  verbose: boolean
  dryRun: boolean
  json: boolean
  /** -f: undefined is no -f, "" is -f alone. */
  folder: string | undefined
  user: string | undefined
  headersOnly: boolean
  checkOnly: boolean
  /** A message list: these are printed, and that is all. */
  print: string | undefined
  raw: boolean
  noSummary: boolean
  noSystemRc: boolean
  set: string[]
  ignoreInterrupts: boolean
  addresses: string[]
}

const withValue = "abcrsuS"
const switches = "EHNdefinv"

export function readMailOptions(argv: readonly string[]): Result<MailOptions> {
  const options: MailOptions = {
    subject: undefined,
    cc: [],
    bcc: [],
    attach: [],
    headers: [],
    sender: undefined,
    skipEmpty: false,
    verbose: false,
    dryRun: false,
    json: false,
    folder: undefined,
    user: undefined,
    headersOnly: false,
    checkOnly: false,
    print: undefined,
    raw: false,
    noSummary: false,
    noSystemRc: false,
    set: [],
    ignoreInterrupts: false,
    addresses: [],
  }
  const words = [...argv]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--") {
      options.addresses.push(...words.splice(0))
      break
    }
    const wrong = word.startsWith("--")
      ? longOption(word, words, options)
      : word.startsWith("-") && word.length > 1
        ? letters(word.slice(1), words, options)
        : void options.addresses.push(word)
    if (wrong !== undefined) return fail(wrong)
  }
  return checked(options)
}

function checked(options: MailOptions): Result<MailOptions> {
  const [first, ...more] = options.addresses
  if (options.folder !== undefined) {
    if (more.length > 0) return fail("-f reads one folder")
    return ok({ ...options, folder: first ?? "", addresses: [] })
  }
  const bad = options.headers.find((header) => !/^[!-9;-~]+:/.test(header) || /[\r\n]/.test(header))
  if (bad !== undefined) return fail(`--header "${bad}": a field is "Name: value"`)
  const only = options.attach.length + options.cc.length + options.bcc.length + options.headers.length
  if (first === undefined && (options.subject !== undefined || only > 0))
    return fail("to whom? give an address")
  return ok(options)
}

function longOption(word: string, words: string[], options: MailOptions): string | undefined {
  const equals = word.indexOf("=")
  const name = equals < 0 ? word : word.slice(0, equals)
  switch (name) {
    case "--header":
    case "--subject":
    case "--print":
    case "--attach": {
      const value = equals < 0 ? words.shift() : word.slice(equals + 1)
      if (value === undefined) return `${name} needs a value`
      if (name === "--header") options.headers.push(value)
      else if (name === "--attach") options.attach.push(value)
      else if (name === "--print") options.print = value
      else options.subject = value
      return undefined
    }
    case "--dry-run":
      options.dryRun = true
      return undefined
    case "--raw":
      options.raw = true
      return undefined
    case "--json":
      options.json = true
      return undefined
    default:
      return `there is no option ${name}`
  }
}

function letters(text: string, words: string[], options: MailOptions): string | undefined {
  for (let i = 0; i < text.length; i++) {
    const letter = text[i] ?? ""
    if (withValue.includes(letter)) {
      const value = text.slice(i + 1) || words.shift()
      if (value === undefined) return `-${letter} needs a value`
      take(letter, value, options)
      return undefined
    }
    if (!switches.includes(letter)) return `there is no option -${letter}`
    turnOn(letter, options)
  }
  return undefined
}

function take(letter: string, value: string, options: MailOptions): void {
  switch (letter) {
    case "a":
      options.attach.push(value)
      break
    case "b":
      options.bcc.push(value)
      break
    case "c":
      options.cc.push(value)
      break
    case "r":
      options.sender = value
      break
    case "s":
      options.subject = value
      break
    case "u":
      options.user = value
      break
    case "S":
      options.set.push(value)
      break
  }
}

function turnOn(letter: string, options: MailOptions): void {
  switch (letter) {
    case "E":
      options.skipEmpty = true
      break
    case "H":
      options.headersOnly = true
      break
    case "N":
      options.noSummary = true
      break
    case "d":
      options.dryRun = true
      break
    case "e":
      options.checkOnly = true
      break
    case "f":
      options.folder = ""
      break
    case "i":
      options.ignoreInterrupts = true
      break
    case "n":
      options.noSystemRc = true
      break
    case "v":
      options.verbose = true
      break
  }
}
