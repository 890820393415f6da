// How the flags that a script gives a message are kept: letters and keywords of a Maildir's file names, or the fields by which
// mailx, mutt, alpine and Dovecot mark messages of an mbox.
import { isKeyword } from "../mailbox/keywords.ts"

const letters: Readonly<Record<string, string>> = {
  "\\seen": "S",
  "\\answered": "R",
  "\\flagged": "F",
  "\\deleted": "T",
  "\\draft": "D",
}

/** For a delivery into a Maildir; nothing where there are no flags. */
export function maildirFlags(flags: readonly string[]): {
  readonly flags?: string
  readonly keywords?: readonly string[]
} {
  const known = flags.flatMap((flag) => letters[flag.toLowerCase()] ?? [])
  const keywords = keywordsOf(flags)
  return {
    ...(known.length === 0 ? {} : { flags: [...new Set(known)].toSorted().join("") }),
    ...(keywords.length === 0 ? {} : { keywords }),
  }
}

const statusLetters: readonly (readonly [flag: string, letter: string])[] = [
  ["\\answered", "A"],
  ["\\flagged", "F"],
  ["\\draft", "T"],
  ["\\deleted", "D"],
]

/** The fields of an mbox for them, with LF; none where there are no flags. */
export function mboxFields(flags: readonly string[]): readonly Buffer[] {
  const wanted = new Set(flags.map((flag) => flag.toLowerCase()))
  const more = statusLetters.flatMap(([flag, letter]) => (wanted.has(flag) ? letter : [])).join("")
  const fields = [
    ["Status", wanted.has("\\seen") ? "RO" : ""],
    ["X-Status", more],
    ["X-Keywords", keywordsOf(flags).join(" ")],
  ].flatMap(([name, value]) => (value === "" ? [] : `${name}: ${value}\n`))
  return fields.length === 0 ? [] : [Buffer.from(fields.join(""))]
}

/** The system's own flags begin with a backslash; what else IMAP does not take for a keyword is passed over (RFC 5232 §2). */
function keywordsOf(flags: readonly string[]): readonly string[] {
  return flags.filter(isKeyword)
}
