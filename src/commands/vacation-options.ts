// The flags of vacation(1): sendmail's, with Debian's -t.
import { fail, ok, type Result } from "../mail/result.ts"

export const vacationUsage = `Usage: vacation [FLAG…] LOGIN
In a .forward:  \\me, "|/usr/bin/vacation me"
Answers the message on standard input with ~/.vacation.msg (a header, a blank line, a text; $SUBJECT and $FROM are filled in), once
a week to each person. Lists, programs and mail that was not addressed to LOGIN get no answer.

  -i, -I         begins with an empty memory; with -r says for good how long an answer lasts
  -a ALIAS       another name or address that is LOGIN's; may stand several times
  -f FILE        the memory, ~/.vacation.known
  -m FILE        the text, ~/.vacation.msg
  -r DAYS        how long an answer lasts: 7; 0 answers everything, "infinite" once for ever
  -t TIME        the same with a unit: 30s, 5m, 2h, 1d, 1w
  -s ADDRESS     the sender, instead of the one in the line "From SENDER …"
  -R ADDRESS     the envelope sender of the answer; -z the null one
  -j             answers though LOGIN stands in no To: or Cc:
  -l             lists who was answered
  -x             reads whom never to answer from standard input: an address or @domain on each line
  -U             LOGIN is no account: -f and -m are whole paths
  -d             says on standard error what is done
  -C FILE        accepted, without effect
`

export type VacationOptions = {
  readonly login: string
  readonly initialize: boolean
  readonly list: boolean
  readonly exclude: boolean
  readonly aliases: readonly string[]
  readonly memory: string | undefined
  readonly message: string | undefined
  /** Seconds. */
  readonly interval: number | undefined
  readonly sender: string | undefined
  readonly returnAddress: string | undefined
  readonly nullSender: boolean
  readonly anyRecipient: boolean
  readonly unknownUser: boolean
  readonly debug: boolean
}

const withValue = "aCfmrstR"
const alone = "dijlxzIU"

/** Reads the arguments; -aALIAS and -a ALIAS are the same. */
export function readVacationOptions(argv: readonly string[]): Result<VacationOptions> {
  const flags = new Set<string>()
  const values = new Map<string, string[]>()
  const words = [...argv]
  for (let word = words[0]; word !== undefined && /^-./.test(word); word = words[0]) {
    words.shift()
    if (word === "--") break
    const wrong = takeFlags(word.slice(1), words, { flags, values })
    if (wrong !== undefined) return fail(wrong)
  }
  const [login, ...more] = words
  if (login === undefined || more.length > 0) return fail("one LOGIN is needed")
  if (!/^[^/\0-\x1f]+$/.test(login)) return fail("LOGIN is no user's name")
  const last = (flag: string) => values.get(flag)?.at(-1)
  const interval = intervalOf(last("r"), last("t"))
  if (!interval.ok) return interval
  const unknownUser = flags.has("U")
  if (unknownUser && (last("f") === undefined || last("m") === undefined)) return fail("-U needs -f and -m")
  return ok({
    login,
    initialize: flags.has("i") || flags.has("I"),
    list: flags.has("l"),
    exclude: flags.has("x"),
    aliases: values.get("a") ?? [],
    memory: last("f"),
    message: last("m"),
    interval: interval.value,
    sender: last("s"),
    returnAddress: last("R"),
    nullSender: flags.has("z"),
    anyRecipient: flags.has("j"),
    unknownUser,
    debug: flags.has("d"),
  })
}

type Taken = { readonly flags: Set<string>; readonly values: Map<string, string[]> }

/** The letters of one word; a letter with a value takes the rest of it, or the next word. */
function takeFlags(letters: string, words: string[], { flags, values }: Taken): string | undefined {
  for (let i = 0; i < letters.length; i++) {
    const letter = letters[i] ?? ""
    if (alone.includes(letter)) flags.add(letter)
    else if (withValue.includes(letter)) {
      const value = letters.slice(i + 1) || words.shift()
      if (value === undefined) return `-${letter} needs a value`
      values.set(letter, [...(values.get(letter) ?? []), value])
      return undefined
    } else return `there is no flag -${letter}`
  }
  return undefined
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** -r in days, where anything that is no number means for ever (sendmail: vacation.c); -t with a unit. */
function intervalOf(days: string | undefined, time: string | undefined): Result<number | undefined> {
  if (time !== undefined) {
    const [, digits, unit = "w"] = /^(\d{1,9})([smhdw]?)$/.exec(time) ?? []
    return digits === undefined
      ? fail(`-t ${time}: a number and s, m, h, d or w`)
      : ok(Number(digits) * (units[unit] ?? 604_800))
  }
  if (days === undefined) return ok(undefined)
  return ok(/^\d{1,6}$/.test(days) ? Number(days) * 86_400 : Number.POSITIVE_INFINITY)
}
