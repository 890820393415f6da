// Commands that set what a person wishes, and those of ~/.mailrc alone (if, source).
import { readFileSync } from "node:fs"
import { type CommandLine, type After, type MailCommand } from "./command.ts"
import type { Session } from "./session.ts"
import { fileName } from "./file-name.ts"
import { setVariables } from "./variables.ts"

async function set(session: Session, { words }: CommandLine): Promise<After> {
  const { terminal, wanted } = session
  if (words.length === 0) {
    for (const [name, value] of [...wanted.variables].toSorted(([a], [b]) => (a < b ? -1 : 1)))
      terminal.say(value === "" ? name : `${name}="${value}"`)
  }
  for (const complaint of setVariables(wanted, words)) terminal.complain(complaint)
  return "go on"
}

async function unset({ wanted }: Session, { words }: CommandLine): Promise<After> {
  for (const word of words) wanted.variables.delete(word)
  return "go on"
}

async function alias({ terminal, wanted }: Session, { words }: CommandLine): Promise<After> {
  const [name, ...members] = words
  const shown = name === undefined ? [...wanted.aliases.keys()] : members.length === 0 ? [name] : []
  for (const one of shown) terminal.say(`${one}\t${(wanted.aliases.get(one) ?? []).join(" ")}`)
  if (name !== undefined && members.length > 0) {
    const more = members.flatMap((member) => member.split(",")).filter((member) => member !== "")
    wanted.aliases.set(name, [...new Set([...(wanted.aliases.get(name) ?? []), ...more])])
  }
  return "go on"
}

async function unalias({ wanted }: Session, { words }: CommandLine): Promise<After> {
  for (const word of words) wanted.aliases.delete(word)
  return "go on"
}

function collecting(which: "alternates" | "ignored" | "retained", how: "add" | "delete") {
  return async ({ terminal, wanted }: Session, { words }: CommandLine): Promise<After> => {
    const names = wanted[which]
    if (words.length === 0) terminal.say([...names].join(" "))
    for (const word of words) names[how](word.toLowerCase().replace(/:$/, ""))
    return "go on"
  }
}

async function source(session: Session, { words: [name] }: CommandLine): Promise<After> {
  if (name === undefined) session.terminal.complain("source: which file?")
  else await sourceFile(session, fileName(session, name), "must be there")
  return "go on"
}

/** Runs the commands of a file: those of ~/.mailrc, before anything else. */
export async function sourceFile(
  session: Session,
  path: string,
  whether: "must be there" | "may be missing",
): Promise<void> {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (whether === "must be there" || code !== "ENOENT") session.terminal.complain(`${path}: ${code}`)
    return
  }
  let number = 0
  const conditions: boolean[] = []
  for (const line of text.replaceAll(/\\\n/g, " ").split("\n")) {
    number++
    const trimmed = line.trim()
    if (trimmed === "" || trimmed.startsWith("#") || isCondition(trimmed, conditions, session)) continue
    if (conditions.every((held) => held)) await session.perform(trimmed, session, `${path}:${number}: `)
  }
}

/** `if s|r|t`, `else`, `endif`: s sending, r reading, t a terminal. */
function isCondition(line: string, conditions: boolean[], session: Session): boolean {
  const [word, what] = line.split(/\s+/)
  switch (word) {
    case "if":
      conditions.push(holds(what ?? "", session))
      return true
    case "else":
      conditions.push(!(conditions.pop() ?? false))
      return true
    case "endif":
      conditions.pop()
      return true
  }
  return false
}

function holds(what: string, { wanted, terminal }: Session): boolean {
  const sending = wanted.variables.has("sending")
  switch (what[0]?.toLowerCase()) {
    case "s":
      return sending
    case "r":
      return !sending
    case "t":
      return terminal.interactive
    default:
      return what === "1"
  }
}

async function echo({ terminal }: Session, { words }: CommandLine): Promise<After> {
  terminal.say(words.join(" "))
  return "go on"
}

export const settingCommands: readonly MailCommand[] = [
  { name: "set", short: "se", does: "sets variables; alone it lists them", run: set },
  { name: "unset", short: "uns", does: "unsets variables", run: unset },
  { name: "alias", short: "a", does: "names a group of addresses", run: alias },
  { name: "group", short: "g", does: "names a group of addresses", run: alias },
  { name: "unalias", short: "una", does: "forgets groups", run: unalias },
  { name: "ungroup", short: "ung", does: "forgets groups", run: unalias },
  {
    name: "alternates",
    short: "alt",
    does: "names your other addresses",
    run: collecting("alternates", "add"),
  },
  {
    name: "ignore",
    short: "ig",
    does: "header fields that are not shown",
    run: collecting("ignored", "add"),
  },
  {
    name: "discard",
    short: "di",
    does: "header fields that are not shown",
    run: collecting("ignored", "add"),
  },
  {
    name: "unignore",
    short: "uni",
    does: "header fields that are shown again",
    run: collecting("ignored", "delete"),
  },
  {
    name: "retain",
    short: "ret",
    does: "the only header fields that are shown",
    run: collecting("retained", "add"),
  },
  {
    name: "unretain",
    short: "unret",
    does: "takes fields from the retained",
    run: collecting("retained", "delete"),
  },
  { name: "source", short: "so", does: "runs the commands of a file", run: source },
  { name: "echo", short: "ec", does: "says its words", run: echo },
]
