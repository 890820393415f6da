// Lines of sendmail.cf inside a sendmail.mc, mostly after LOCAL_CONFIG: classes, macros, options and maps are understood;
// rules, rulesets and mailers are kept as they are for the rule engine.
import type { Origin } from "../mail/decision.ts"
import { error, type Issue, warning } from "./issues.ts"
import type { LocalLine } from "./settings.ts"
import type { Statement } from "./statement.ts"

export type CfLine = {
  readonly statements: readonly Statement[]
  readonly localLines: readonly LocalLine[]
  readonly issues: readonly Issue[]
}

const nothing: CfLine = { statements: [], localLines: [], issues: [] }

function statement(...statements: Statement[]): CfLine {
  return { ...nothing, statements }
}

/** Reads one line (continuations joined). `section` is the word it stands under, "" for none. */
export function readCfLine(text: string, section: string, at: Origin): CfLine {
  const relay = /^\s*(SMART_HOST|MAIL_HUB|LOCAL_RELAY|LUSER_RELAY)\(\s*(.*?)\s*\)\s*$/.exec(text)
  if (relay !== null)
    return statement({ kind: "macro", name: relayLetter(relay[1] ?? ""), value: relay[2] ?? "", at })
  switch (text[0]) {
    case "C":
      return readClass(text, section, at)
    case "F":
      return readFile(text, section, at)
    case "D":
      return readMacro(text, section, at)
    case "O":
      return readOption(text, section, at)
    case "K":
      return readMap(text, section, at)
    case "R":
    case "S":
    case "M":
      return section === "" && !/^(?:R[\S\s]*\t|S[A-Za-z0-9_]+|M[a-z0-9*]+,)/.test(text)
        ? stray(text, at)
        : keep(text, section, at)
    case "H":
    case "P":
    case "T":
    case "E":
    case "Q":
    case "X":
    case "V":
    case "L":
      return readRest(text, section, at)
    default:
      return stray(text, at)
  }
}

function relayLetter(word: string): string {
  return { SMART_HOST: "S", MAIL_HUB: "H", LOCAL_RELAY: "R", LUSER_RELAY: "L" }[word] ?? ""
}

function stray(text: string, at: Origin): CfLine {
  const shown = text.split("\n", 1)[0]?.slice(0, 60) ?? ""
  const hint = "end a line with dnl to keep its rest out, begin it with # to make it a comment"
  return {
    ...nothing,
    issues: [{ ...error("stray-text", `"${shown}" belongs to no word`, at, hint), width: shown.length }],
  }
}

function keep(text: string, section: string, at: Origin): CfLine {
  return { ...nothing, localLines: [{ section, text, at }] }
}

/** `Cwname name` or `C{Name}name name`. */
const named = /^.(?:\{([^}]+)\}|(\S))\s*([^]*)$/

function readClass(text: string, section: string, at: Origin): CfLine {
  const match = named.exec(text)
  const name = match?.[1] ?? match?.[2]
  if (match === null || name === undefined || (section === "" && /^C[A-Z]{2}/.test(text)))
    return stray(text, at)
  const members = (match[3] ?? "").split(/\s+/).filter((member) => member !== "")
  return statement({ kind: "class", class: name, members, at })
}

function readFile(text: string, section: string, at: Origin): CfLine {
  const match = named.exec(text)
  const name = match?.[1] ?? match?.[2]
  const spec = match?.[3]?.trim() ?? ""
  if (name === undefined || !/^(?:-o\s+)?[/|@]/.test(spec))
    return section === "" ? stray(text, at) : badLine(text, at)
  return statement({ kind: "class-file", class: name, spec, at })
}

function badLine(text: string, at: Origin): CfLine {
  return {
    ...nothing,
    issues: [{ ...error("bad-line", `cannot read "${text.slice(0, 60)}"`, at), width: text.length }],
  }
}

function readMacro(text: string, section: string, at: Origin): CfLine {
  const match = named.exec(text)
  const name = match?.[1] ?? match?.[2]
  if (name === undefined || (section === "" && /^D[A-Z]{3}/.test(text))) return stray(text, at)
  return statement({ kind: "macro", name, value: (match?.[3] ?? "").trim(), at })
}

function readOption(text: string, section: string, at: Origin): CfLine {
  const long = /^O\s+([A-Za-z0-9.-]+)\s*=\s*([^]*)$/.exec(text)
  if (long !== null)
    return statement({ kind: "option", name: long[1] ?? "", value: (long[2] ?? "").trim(), at })
  return section === "" ? stray(text, at) : badLine(text, at)
}

function readMap(text: string, section: string, at: Origin): CfLine {
  const match = /^K\s*([A-Za-z0-9_{}]+)\s+([A-Za-z0-9]+)(?:\s+([^]*))?$/.exec(text)
  if (match === null) return section === "" ? stray(text, at) : badLine(text, at)
  return statement({
    kind: "map",
    name: match[1] ?? "",
    class: match[2] ?? "",
    args: (match[3] ?? "").trim(),
    at,
  })
}

function readRest(text: string, section: string, at: Origin): CfLine {
  if (section === "" && !/^(?:H[?A-Z][^\s:]*\s*:|P[a-z-]+=|T\s?[a-z]|E[A-Z_]+=|V[0-9])/.test(text))
    return stray(text, at)
  if (text.startsWith("T")) {
    const members = text
      .slice(1)
      .split(/[\s,]+/)
      .filter((member) => member !== "")
    return statement({ kind: "class", class: "t", members, at })
  }
  const kept = keep(text, section, at)
  // A field with a ruleset is checked by it (policy/header-checks.ts).
  if (/^H[^\s:]+\s*:\s*\$>/.test(text)) return kept
  return {
    ...kept,
    issues: [
      warning("not-supported", `this line of sendmail.cf has no effect yet: ${text.slice(0, 60)}`, at),
    ],
  }
}
