// What mailx keeps of a person's wishes: variables, aliases, which header fields are shown. Set by ~/.mailrc and by commands.

export type Wanted = {
  readonly variables: Map<string, string>
  readonly aliases: Map<string, readonly string[]>
  readonly alternates: Set<string>
  readonly ignored: Set<string>
  readonly retained: Set<string>
}

/** What holds before any file is read (POSIX mailx, "Internal Variables"). */
export function startValues(env: Readonly<Record<string, string | undefined>>): Wanted {
  const home = env["HOME"] ?? "/"
  const values: [string, string | undefined][] = [
    ["asksub", ""],
    ["save", ""],
    ["header", ""],
    ["escape", "~"],
    ["indentprefix", "> "],
    ["prompt", "& "],
    ["toplines", "5"],
    ["MBOX", env["MBOX"] ?? `${home}/mbox`],
    ["DEAD", env["DEAD"] ?? `${home}/dead.letter`],
    ["EDITOR", env["EDITOR"]],
    ["VISUAL", env["VISUAL"]],
    ["PAGER", env["PAGER"]],
    ["SHELL", env["SHELL"]],
    ["LISTER", env["LISTER"]],
    ["folder", env["folder"]],
  ]
  return {
    variables: new Map(values.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
    aliases: new Map(),
    alternates: new Set(),
    ignored: new Set(),
    retained: new Set(),
  }
}

/** `set a b=c nod`: names alone are switches, `no` before one unsets it. What could not be read is returned as complaints. */
export function setVariables({ variables }: Wanted, words: readonly string[]): string[] {
  return words.flatMap((word) => {
    const equals = word.indexOf("=")
    const name = equals < 0 ? word : word.slice(0, equals)
    if (!/^[A-Za-z_][\w-]*$/.test(name)) return [`set: "${word}" is no variable (name or name=value)`]
    if (equals >= 0) variables.set(name, word.slice(equals + 1))
    else if (name.startsWith("no") && name.length > 2) variables.delete(name.slice(2))
    else variables.set(name, "")
    return []
  })
}

/** The addresses an alias stands for, through other aliases; one that names itself ends there. */
export function expandAliases({ aliases, variables }: Wanted, names: readonly string[]): string[] {
  const found: string[] = []
  const walk = (name: string, within: readonly string[]) => {
    const members = within.includes(name) ? undefined : aliases.get(name)
    if (members === undefined) {
      if (!found.includes(name)) found.push(name)
      return
    }
    for (const member of members) walk(member, [...within, name])
  }
  for (const name of names) walk(name, [])
  const me = variables.get("user")
  return found.length > 1 && !variables.has("metoo") && me !== undefined
    ? found.filter((name) => name !== me || names.includes(me))
    : found
}

/** Whether a header field is shown by `type`. */
export function isShown({ ignored, retained }: Wanted, name: string): boolean {
  const lower = name.toLowerCase()
  return retained.size > 0 ? retained.has(lower) : !ignored.has(lower) && usual.has(lower)
}

/** Shown when nobody said otherwise: what a person reads, not what machines wrote for each other. */
const usual = new Set([
  "from",
  "to",
  "cc",
  "subject",
  "date",
  "reply-to",
  "sender",
  "list-id",
  "x-mailer-warning",
  "x-authentication-warning",
])

/** Splits a command line into words: quotes hold blanks together, a backslash the next letter (POSIX mailx, "Commands"). */
export function wordsOf(line: string): string[] {
  const words: string[] = []
  for (const [, double, single, bare] of line.matchAll(
    /"((?:[^"\\]|\\.)*)"?|'([^']*)'?|((?:[^\s"'\\]|\\.|(?<=\S)["'](?:[^"'\\]|\\.)*["']?)+)/gs,
  )) {
    words.push((double ?? single ?? bare?.replaceAll(/(?<!\\)["']/g, "") ?? "").replaceAll(/\\(.)/gs, "$1"))
  }
  return words
}
