// INPUT_MAIL_FILTER and MAIL_FILTER as they are written: `S=inet:8891@localhost, F=T, T=S:10s;R:2m'.
import { isIP } from "node:net"
import { option, optionAt } from "../config/options.ts"
import type { DaemonOptions, FilterDefinition, Settings } from "../config/settings.ts"
import { parseSeconds } from "../config/values.ts"
import type { Place } from "../host/net.ts"
import type { Origin } from "../mail/decision.ts"
import { fail, ok, type Result } from "../mail/result.ts"

/** What becomes of mail while a filter cannot be asked: it passes, is put off, refused, or the session ends with 421. */
export type WithoutFilter = "pass" | "tempfail" | "reject" | "close"

/** Milliseconds: to connect, to send, for an answer, for the last answer. */
export type MilterTimeouts = {
  readonly connect: number
  readonly send: number
  readonly reply: number
  readonly end: number
}

export type MilterUse = {
  readonly name: string
  readonly place: Place
  readonly without: WithoutFilter
  readonly timeouts: MilterTimeouts
  readonly at: Origin | undefined
}

/** sendmail's own (libmilter's documentation of T=). */
const usualTimeouts: MilterTimeouts = { connect: 300_000, send: 10_000, reply: 10_000, end: 300_000 }
const timeoutNames: Readonly<Record<string, keyof MilterTimeouts>> = {
  C: "connect",
  S: "send",
  R: "reply",
  E: "end",
}
const flags: Readonly<Record<string, WithoutFilter>> = {
  "": "pass",
  T: "tempfail",
  R: "reject",
  "4": "close",
}

/** The filters that a door asks, in their order; or what is wrong with one, in a line. */
export function filtersOf(
  settings: Pick<Settings, "options" | "filters">,
  door: Pick<DaemonOptions, "other"> | undefined,
): Result<readonly MilterUse[]> {
  const own = door?.other.get("inputmailfilters") ?? door?.other.get("InputMailFilters")
  const names =
    own?.split(/[\s,;]+/).filter((name) => name !== "") ?? option(settings, "InputMailFilters") ?? []
  const uses: MilterUse[] = []
  for (const name of names) {
    const filter = settings.filters.get(name)
    if (filter === undefined) {
      const at = optionAt(settings, "InputMailFilters")
      const where = at === undefined ? "" : ` (${at.file}:${at.line})`
      return fail(`confINPUT_MAIL_FILTERS names ${name}, which no MAIL_FILTER defines${where}`)
    }
    const use = parseFilter(filter)
    if (!use.ok) return use
    uses.push(use.value)
  }
  return ok(uses)
}

type Draft = { place?: Place; without?: WithoutFilter; timeouts?: MilterTimeouts }

/** One definition, read. */
export function parseFilter({ name, equates, at }: FilterDefinition): Result<MilterUse> {
  const wrong = (says: string) =>
    fail(`milter ${name}: ${says}${at === undefined ? "" : ` (${at.file}:${at.line})`}`)
  const draft: Draft = {}
  for (const item of equates.split(",").map((one) => one.trim())) {
    const says = item === "" ? undefined : readEquate(item, draft)
    if (says !== undefined) return wrong(says)
  }
  const { place, without = "pass", timeouts = usualTimeouts } = draft
  return place === undefined ? wrong("it has no S=socket") : ok({ name, place, without, timeouts, at })
}

/** One of S=, F=, T= into the draft; what is wrong with it, if something is. */
function readEquate(item: string, draft: Draft): string | undefined {
  const [key, value] = cut(item, "=")
  switch (key.toUpperCase()) {
    case "S": {
      const read = parseSocket(value)
      if (!read.ok) return read.error
      draft.place = read.value
      return undefined
    }
    case "F": {
      const flag = flags[value.toUpperCase()]
      if (flag === undefined) return `F=${value} is not one of F=T, F=R, F=4`
      draft.without = flag
      return undefined
    }
    case "T": {
      const read = parseTimeouts(value)
      if (!read.ok) return read.error
      draft.timeouts = read.value
      return undefined
    }
    default:
      return `"${item}" is none of S=, F=, T=`
  }
}

function cut(text: string, at: string): readonly [string, string] {
  const place = text.indexOf(at)
  return place < 0 ? [text.trim(), ""] : [text.slice(0, place).trim(), text.slice(place + 1).trim()]
}

/** `unix:/run/f.sock`, `local:/run/f.sock`, `inet:8891@127.0.0.1`, `inet6:8891@::1`; a path alone is a socket's. */
function parseSocket(text: string): Result<Place> {
  const [kind, rest] = text.startsWith("/") ? (["unix", text] as const) : cut(text, ":")
  switch (kind.toLowerCase()) {
    case "unix":
    case "local":
      return rest.startsWith("/") ? ok({ path: rest }) : fail(`S=${text}: a unix socket needs a whole path`)
    case "inet":
    case "inet6": {
      const found = /^(\d{1,5})(?:@(.+))?$/.exec(rest)
      const port = Number(found?.[1])
      const host = (found?.[2] ?? "localhost").replace(/^\[(?:IPv6:)?(.*)\]$/i, "$1")
      if (found === null || port < 1 || port > 65_535) return fail(`S=${text} is not ${kind}:PORT@HOST`)
      if (host.toLowerCase() === "localhost")
        return ok({ address: kind === "inet" ? "127.0.0.1" : "::1", port })
      const family = isIP(host)
      if (family !== 0 && family !== (kind === "inet" ? 4 : 6))
        return fail(`S=${text}: ${host} is no address of ${kind}`)
      return ok({ address: host, port })
    }
    default:
      return fail(`S=${text} is none of unix:PATH, inet:PORT@HOST, inet6:PORT@HOST`)
  }
}

/** `C:5m;S:10s;R:10s;E:5m`; 0 for C is the usual one. */
function parseTimeouts(text: string): Result<MilterTimeouts> {
  const found = { ...usualTimeouts }
  for (const item of text.split(";").map((one) => one.trim())) {
    if (item === "") continue
    const [letter = "", value = ""] = cut(item, ":")
    const name = timeoutNames[letter.toUpperCase()]
    const seconds = parseSeconds(value, "s")
    if (name === undefined || !seconds.ok) return fail(`T=…${item} is none of C:, S:, R:, E: with a time`)
    found[name] = seconds.value > 0 ? seconds.value * 1000 : usualTimeouts[name]
  }
  return ok(found)
}
