// The lines of sendmail -bt as commands. Nothing is run here; what a line lacks is said in sendmail's words.
import { fail, ok, type Result } from "../mail/result.ts"
import { readName } from "../config/rule-text.ts"

export type AddressUse = { readonly where: "header" | "envelope"; readonly who: "sender" | "recipient" }

export type TestCommand =
  | { readonly do: "nothing" | "help" | "quit" }
  | { readonly do: "rulesets"; readonly names: readonly string[]; readonly address: string }
  | { readonly do: "parse"; readonly address: string; readonly as: "parsed" | "sender" }
  | { readonly do: "try"; readonly mailer: string; readonly address: string }
  | { readonly do: "tryflags"; readonly flags: string }
  | { readonly do: "map"; readonly name: string; readonly key: string }
  | { readonly do: "mx" | "canon" | "host"; readonly text: string }
  | { readonly do: "expand" | "header"; readonly text: string }
  | { readonly do: "dns"; readonly name: string; readonly type: string }
  | { readonly do: "macro" | "class" | "ruleset"; readonly name: string }
  | { readonly do: "mailers" }
  | { readonly do: "define"; readonly name: string; readonly value: string }
  | { readonly do: "add"; readonly name: string; readonly members: readonly string[] }
  | { readonly do: "trace"; readonly flags: string }

/** Reads one line. The error is what to print. */
export function readTestLine(raw: string): Result<TestCommand> {
  const line = raw.trim()
  const rest = line.slice(1)
  switch (line[0]) {
    case undefined:
    case "#":
      return ok({ do: "nothing" })
    case "?":
      return ok({ do: "help" })
    case ".":
      return readDefinition(rest)
    case "=":
      return readDump(rest)
    case "-":
      if (rest.startsWith("d")) return ok({ do: "trace", flags: rest.slice(1) })
      return fail(`Unknown "-" command ${line}`)
    case "$":
      return readValue(rest)
    case "/":
      return readSlash(rest)
    default:
      return readRulesets(line)
  }
}

function readDefinition(rest: string): Result<TestCommand> {
  const [name, end] = readName(rest, 1)
  const value = rest.slice(end)
  if (rest[0] === "D" && name !== "") return ok({ do: "define", name, value: value.trim() })
  if (rest[0] === "C" && name !== "") {
    return ok({ do: "add", name, members: value.split(/\s+/).filter((member) => member !== "") })
  }
  return fail(`Unknown "." command .${rest}`)
}

function readDump(rest: string): Result<TestCommand> {
  if (rest.startsWith("S")) return ok({ do: "ruleset", name: rest.slice(1).trim() })
  return rest.startsWith("M") ? ok({ do: "mailers" }) : fail(`Unknown "=" command =${rest}`)
}

function readValue(rest: string): Result<TestCommand> {
  const isClass = rest.startsWith("=")
  const [name] = readName(rest, isClass ? 1 : 0)
  if (name === "") return fail("Name required for macro/class")
  return ok({ do: isClass ? "class" : "macro", name })
}

function readRulesets(line: string): Result<TestCommand> {
  const [list = "", ...words] = line.split(/\s+/)
  // sendmail takes blanks between the rulesets: "3, 0 address".
  let names = list
  while (names.endsWith(",") && words.length > 1) names += words.shift() ?? ""
  const address = line.slice(line.indexOf(words[0] ?? "\n")).trim()
  if (words.length === 0) return fail("No address!")
  return ok({ do: "rulesets", names: names.split(",").filter((name) => name !== ""), address })
}

const usages: Readonly<Record<string, string>> = {
  mx: "Usage: /mx address",
  canon: "Usage: /canon address",
  map: "Usage: /map mapname key",
  try: "Usage: /try mailer address",
  tryflags: "Usage: /tryflags [Hh|Ee][Ss|Rr]",
  parse: "Usage: /parse address",
  sender: "Usage: /sender address",
  expand: "Usage: /expand string",
  header: "Usage: /header header-line",
  gethostbyname: "Usage: /gethostbyname host [family]",
  dnslookup: "Usage: /dnslookup host [qtype] [flags]",
}

function readSlash(text: string): Result<TestCommand> {
  const name = /^\S*/.exec(text)?.[0] ?? ""
  const rest = text.slice(name.length).trim()
  const known = name.toLowerCase()
  if (known === "quit") return ok({ do: "quit" })
  const usage = Object.hasOwn(usages, known) ? usages[known] : undefined
  if (usage === undefined) return fail(`Unknown "/" command /${name}`)
  const [first = "", ...more] = rest.split(/\s+/)
  const second = rest.slice(first.length).trim()
  if (rest === "" || (second === "" && (known === "try" || known === "map"))) return fail(usage)
  switch (known) {
    case "parse":
      return ok({ do: "parse", address: rest, as: "parsed" })
    case "sender":
      return ok({ do: "parse", address: rest, as: "sender" })
    case "try":
      return ok({ do: "try", mailer: first, address: second })
    case "map":
      return ok({ do: "map", name: first, key: second })
    case "tryflags":
      return /^[HhEeSsRr]+$/.test(rest) ? ok({ do: "tryflags", flags: rest }) : fail(usage)
    case "dnslookup":
      return ok({ do: "dns", name: first, type: more[0] ?? "A" })
    case "gethostbyname":
      return ok({ do: "host", text: first })
    case "mx":
    case "canon":
      return ok({ do: known, text: first })
    default:
      return ok({ do: known === "expand" ? "expand" : "header", text: rest })
  }
}

/** The flags of /tryflags: what is not said stays. */
export function withTryFlags(use: AddressUse, flags: string): AddressUse {
  let { where, who } = use
  for (const flag of flags.toLowerCase()) {
    if (flag === "h") where = "header"
    else if (flag === "e") where = "envelope"
    else if (flag === "s") who = "sender"
    else if (flag === "r") who = "recipient"
  }
  return { where, who }
}
