// What a folder that a user's rules name is called on disk: its levels, each written as IMAP servers write it (modified UTF-7).

/** Longer names do not fit a file system beside what is added to them. */
const mostOctets = 200

/** Levels parted by `/` or `.`, as Maildir++ has them: `Lists.mutt`. Undefined: it cannot be a folder. */
export function maildirFolder(name: string): string | undefined {
  const levels = levelsOf(name, /[./]/)
  return levels === undefined || levels[0]?.startsWith("~") === true ? undefined : bounded(levels.join("."))
}

/** Levels parted by `/`, directories but for the last: `Lists/mutt`. Undefined: it cannot be a file beneath a directory. */
export function mboxFolder(name: string): string | undefined {
  const levels = levelsOf(name, /\//)
  const wrong = levels?.some((level) => /^[.~]/.test(level) || /\.lock$/i.test(level)) ?? true
  return levels === undefined || wrong ? undefined : bounded(levels.join("/"))
}

function levelsOf(name: string, separator: RegExp): readonly string[] | undefined {
  if (/[\x00-\x1f\x7f]/.test(name)) return undefined
  const levels = name.split(separator)
  return levels.some((level) => level.trim() === "") ? undefined : levels.map(modifiedUtf7)
}

function bounded(name: string): string | undefined {
  return name.length <= mostOctets ? name : undefined
}

/** RFC 3501 §5.1.3: printable ASCII is itself, `&` is `&-`, all else UTF-16 in base64 between `&` and `-`. */
export function modifiedUtf7(text: string): string {
  return text.replaceAll(/&|[^\x20-\x7e]+/g, (run) => (run === "&" ? "&-" : `&${coded(run)}-`))
}

function coded(run: string): string {
  const octets = Buffer.from(run, "utf16le").swap16()
  return octets.toString("base64").replaceAll("/", ",").replace(/=+$/, "")
}
