// The exit code of sysexits(3) that a refusal stands for, by its enhanced code (sendmail: dsntoexitstat), for scripts that ask.
import { exits } from "./io.ts"

const bySubject: Readonly<Record<string, number>> = {
  "0": exits.unavailable,
  "1": exits.noUser,
  "2": exits.unavailable,
  "3": exits.osError,
  "4": exits.ioError,
  "5": exits.protocol,
  "6": exits.unavailable,
  "7": exits.dataError,
}

const exactly: Readonly<Record<string, number>> = {
  "1.0": exits.dataError,
  "1.2": exits.noHost,
  "1.3": exits.usage,
  "1.4": exits.unavailable,
  "1.8": exits.noHost,
  "3.5": exits.config,
  "4.6": exits.config,
}

/** The words that a table may put behind `error:` (sendmail: buildaddr). */
const byWord: Readonly<Record<string, number>> = {
  usage: exits.usage,
  nouser: exits.noUser,
  nohost: exits.noHost,
  unavailable: exits.unavailable,
  software: exits.software,
  tempfail: exits.tryAgain,
  protocol: exits.protocol,
  config: exits.config,
}

/**
 * `550 5.1.1 …` is EX_NOUSER (67), `4xx` EX_TEMPFAIL (75); without an enhanced code it is EX_UNAVAILABLE (69). A word of the
 * table that refused counts before them; one with dots that is no code (`D.S.N`) is EX_CONFIG (78).
 */
export function exitOfReply(reply: string, word?: string): number {
  const named = word === undefined ? undefined : byWord[word.toLowerCase()]
  if (named !== undefined) return named
  if (reply.startsWith("4")) return exits.tryAgain
  if (word !== undefined && /^\w+\.\w+\.\w+$/.test(word) && !/^\d/.test(word)) return exits.config
  const found = /^\d{3}[ -]5\.((\d)\d*\.\d+)/.exec(reply)
  if (found === null) return exits.unavailable
  return exactly[found[1] ?? ""] ?? bySubject[found[2] ?? ""] ?? exits.unavailable
}
