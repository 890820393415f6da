// procmail's own command line: options in one word or several, -d RECIPIENT, assignments and rcfiles.

export type Options = {
  readonly wish: "deliver" | "version" | "help"
  readonly keepEnvironment: boolean
  readonly softFail: boolean
  readonly berkeley: boolean
  /** -m: a filter with an rcfile that must be named, and arguments behind it. */
  readonly filter: boolean
  readonly sender: string | undefined
  readonly arguments: readonly string[]
  readonly recipient: string | undefined
  readonly operands: readonly string[]
  readonly complaints: readonly string[]
}

export const usage = `Usage: procmail [-Ypto] [-f fromwhom] [-a argument] [parameter=value | rcfile] ...
   Or: procmail [-Yto] [-f fromwhom] [-a argument] -d recipient ...
   Or: procmail [-pt] -m [parameter=value] ... rcfile [argument] ...
   Or: procmail -v
\t-v\t\tdisplay the version number and exit
\t-p\t\tpreserve (most of) the environment upon startup
\t-t\t\tfail softly if mail is undeliverable
\t-f fromwhom\t(re)generate the leading 'From ' line
\t-o\t\toverride the leading 'From ' line if necessary
\t-Y\t\tBerkeley format mailbox, disregard Content-Length:
\t-a argument\twill set $1
\t-d recipient\texplicit delivery mode
\t-m\t\tact as a general purpose mail filter
`

const valued = new Set(["f", "r", "a", "d"])

/** Reads them; what cannot be understood is complained of, and the mail is delivered all the same. */
export function readOptions(argv: readonly string[]): Options {
  const flags = new Set<string>()
  const values = new Map<string, string>()
  const complaints: string[] = []
  let n = 0
  for (; n < argv.length; n++) {
    const word = argv[n] ?? ""
    if (word === "--" || !word.startsWith("-")) {
      if (word === "--") n++
      break
    }
    const used = readWord(word.slice(1), argv[n + 1], { flags, values, complaints })
    n += used
    if (values.has("d")) {
      n++
      break
    }
  }
  return optionsFrom(flags, values, argv.slice(n), complaints)
}

type Reading = {
  readonly flags: Set<string>
  readonly values: Map<string, string>
  readonly complaints: string[]
}

/** The letters of one word; 1 when the next word was the value of the last. */
function readWord(letters: string, next: string | undefined, reading: Reading): 0 | 1 {
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at] ?? ""
    if (!valued.has(letter)) {
      if (!"vh?pmotYy".includes(letter)) {
        reading.complaints.push(`Unrecognised options: "${letters.slice(at)}"`)
        return 0
      }
      reading.flags.add(letter)
      continue
    }
    const rest = letters.slice(at + 1)
    const value = rest === "" ? next : rest
    if (value === undefined) reading.complaints.push(`Missing ${letter === "d" ? "recipient" : "name"}`)
    else reading.values.set(letter === "r" ? "f" : letter, value)
    return rest === "" && next !== undefined ? 1 : 0
  }
  return 0
}

function optionsFrom(
  flags: ReadonlySet<string>,
  values: ReadonlyMap<string, string>,
  operands: readonly string[],
  complaints: string[],
): Options {
  const recipient = values.get("d")
  const filter = flags.has("m") && recipient === undefined
  const argument = values.get("a")
  const at = filter ? operands.findIndex((word) => !word.includes("=")) : -1
  const behind = at < 0 ? [] : operands.slice(at + 1)
  if (recipient !== undefined && (flags.has("m") || flags.has("p"))) complaints.push("Conflicting options")
  return {
    wish: flags.has("v") ? "version" : flags.has("h") || flags.has("?") ? "help" : "deliver",
    keepEnvironment: flags.has("p") && recipient === undefined,
    softFail: flags.has("t"),
    berkeley: flags.has("Y") || flags.has("y"),
    filter,
    sender: values.get("f"),
    arguments: filter ? behind : argument === undefined ? [] : [argument],
    recipient,
    operands: at < 0 ? operands : operands.slice(0, at + 1),
    complaints,
  }
}
