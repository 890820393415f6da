// DAEMON_OPTIONS and CLIENT_OPTIONS: key=value pairs, comma by comma, that say where to listen and from where to connect.
import type { Origin } from "../mail/decision.ts"
import { isIPv6Text } from "../mail/ip-text.ts"
import { error, type Issue, suggestion, warning } from "./issues.ts"
import type { DaemonOptions } from "./settings.ts"

type Pair = { readonly key: string; readonly value: string; readonly offset: number }

/** `Name=MTA, Port=smtp` as pairs, with the offset of each key. */
function pairs(text: string): Pair[] {
  const found: Pair[] = []
  let offset = 0
  for (const item of text.split(",")) {
    const at = offset + item.length - item.trimStart().length
    offset += item.length + 1
    const equals = item.indexOf("=")
    const key = (equals < 0 ? item : item.slice(0, equals)).trim()
    if (key !== "") found.push({ key, value: equals < 0 ? "" : item.slice(equals + 1).trim(), offset: at })
  }
  return found
}

const keys = [
  "Name",
  "Addr",
  "Address",
  "Family",
  "Port",
  "Modify",
  "Modifiers",
  "Listen",
  "Rcvbuf",
  "Sndbuf",
]
const rarer = [
  "DeliveryMode",
  "children",
  "Children",
  "delayLA",
  "queueLA",
  "refuseLA",
  "SoftBounce",
  "InputMailFilters",
  "Protocol",
  "Proxy",
]
const ports: Readonly<Record<string, number>> = {
  smtp: 25,
  submission: 587,
  smtps: 465,
  submissions: 465,
  lmtp: 24,
  mtp: 57,
}
const modifiers = "abcdfrsuACEFOS"

type Draft = {
  name: string
  address: string | undefined
  family: string | undefined
  port: number | undefined
  modify: string
  readonly other: Map<string, string>
}

/** Reads one DAEMON_OPTIONS or CLIENT_OPTIONS; `text` without its quotes, `textAt` where it begins. */
export function parseDaemon(
  text: string,
  at: Origin | undefined,
  what: "daemon" | "client",
): { readonly daemon: DaemonOptions | undefined; readonly issues: readonly Issue[] } {
  const issues: Issue[] = []
  const draft: Draft = {
    name: "",
    address: undefined,
    family: undefined,
    port: undefined,
    modify: "",
    other: new Map(),
  }
  for (const pair of pairs(text)) readPair(draft, pair, at, issues)
  const family = familyOf(draft, at, issues)
  if (issues.some((issue) => issue.severity === "error")) return { daemon: undefined, issues }
  return {
    issues,
    daemon: {
      name: draft.name || (what === "daemon" ? "MTA" : ""),
      address: draft.address,
      family,
      port: draft.port ?? defaultPort(draft, what),
      modify: draft.modify,
      other: draft.other,
      at,
    },
  }
}

function defaultPort(draft: Draft, what: "daemon" | "client"): number {
  if (what === "client") return 0
  if (draft.other.get("protocol")?.toLowerCase() === "lmtp") return 24
  return draft.modify.includes("s") ? 465 : 25
}

// sendmail knows a key by its first letter, but for a few; we want the word, or that letter alone.
function readPair(draft: Draft, pair: Pair, at: Origin | undefined, issues: Issue[]): void {
  switch (canonical(pair.key)) {
    case "name":
      draft.name = pair.value
      break
    case "addr":
      draft.address = pair.value
      break
    case "family":
      draft.family = pair.value
      break
    case "port":
      readPort(draft, pair, at, issues)
      break
    case "modify":
      readModify(draft, pair, at, issues)
      break
    case undefined:
      issues.push(
        error("unknown-word", `there is no key ${pair.key}=`, at, suggestion(pair.key, [...keys, ...rarer])),
      )
      break
    default:
      readOther(draft, pair, at, issues)
  }
}

const short: Readonly<Record<string, string>> = {
  n: "name",
  a: "addr",
  address: "addr",
  f: "family",
  p: "port",
  m: "modify",
  modifiers: "modify",
  modifier: "modify",
  l: "listen",
  r: "rcvbuf",
  s: "sndbuf",
  i: "inputmailfilters",
  d: "deliverymode",
}

function canonical(key: string): string | undefined {
  const folded = key.toLowerCase()
  if (Object.hasOwn(short, folded)) return short[folded]
  return [...keys, ...rarer].some((known) => known.toLowerCase() === folded) ? folded : undefined
}

function readOther(draft: Draft, pair: Pair, at: Origin | undefined, issues: Issue[]): void {
  const key = canonical(pair.key) ?? pair.key
  draft.other.set(key, pair.value)
  if (/^(?:delay|queue|refuse)la$/.test(key) && !/^\d+$/.test(pair.value))
    issues.push(error("bad-value", `${pair.key}= is a load average, not "${pair.value}"`, at))
  if (key !== "protocol" || /^(?:smtp|esmtp|lmtp)$/i.test(pair.value)) return
  issues.push(error("bad-value", `Protocol= is smtp or lmtp, not "${pair.value}"`, at))
}

function readPort(draft: Draft, pair: Pair, at: Origin | undefined, issues: Issue[]): void {
  const port =
    ports[pair.value.toLowerCase()] ?? (/^[0-9]+$/.test(pair.value) ? Number(pair.value) : Number.NaN)
  if (port >= 0 && port <= 65_535) draft.port = port
  else
    issues.push(
      error("bad-value", `"${pair.value}" is not a port`, at, suggestion(pair.value, Object.keys(ports))),
    )
}

function readModify(draft: Draft, pair: Pair, at: Origin | undefined, issues: Issue[]): void {
  draft.modify = pair.value
  for (const letter of pair.value) {
    if (!modifiers.includes(letter))
      issues.push(warning("bad-value", `Modify= has no letter "${letter}"`, at))
  }
}

function familyOf(draft: Draft, at: Origin | undefined, issues: Issue[]): "inet" | "inet6" {
  const family = draft.family?.toLowerCase()
  if (family === "inet" || family === "inet6") return family
  if (family !== undefined) {
    issues.push(
      error(
        "bad-value",
        `Family= is inet or inet6, not "${draft.family}"`,
        at,
        suggestion(family, ["inet", "inet6"]),
      ),
    )
  }
  const [address = ""] = draft.address?.split("%") ?? [] // without its zone (RFC 4007 §11)
  return isIPv6Text(address) ? "inet6" : "inet"
}

/** sendmail's own submission door, unless FEATURE(no_default_msa) takes it away. */
export const defaultMsa = "Port=587, Name=MSA, M=E"
