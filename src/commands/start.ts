// `waypost start`: reads its arguments, says what has been started, and leaves the rest to the supervisor.
import { resolve } from "node:path"
import { type StartOptions, type StartReport, superviseStart } from "../daemon/supervisor.ts"
import { parseSeconds } from "../config/values.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { type Arguments, readArguments, stateOption, type Usage } from "./arguments.ts"
import { loadConfiguration } from "./configuration.ts"
import { exits, type Io, refuse } from "./io.ts"
import { findMailUser, type MailUser, mailUserName, makeMailUser } from "./mail-user.ts"
import { canEnter, canRead, copyProgram } from "./program-copy.ts"
import { missingFolder, printReport } from "./start-report.ts"
import { checkoutOf, ownState } from "./state.ts"

const usage: Usage = {
  name: "waypost start",
  operands: "",
  mostOperands: 0,
  about:
    "Starts the mail system and stays in the foreground; SIGTERM or Ctrl-C ends it in order, SIGHUP reads the configuration anew.",
  options: {
    config: {
      value: "FILE",
      says: "a sendmail.mc (else /etc/mail/sendmail.mc as root, else the built-in default)",
    },
    state: {
      ...stateOption,
      says: "where queue and mail are kept (else $WAYPOST_STATE, /var/lib/waypost as root, ./var of the checkout)",
    },
    resolver: { value: "ADDR:PORT", says: "the DNS server to ask, instead of /etc/resolv.conf" },
    "log-format": {
      value: "FORMAT",
      oneOf: ["sendmail", "json"],
      says: "sendmail's log lines, or JSON; sendmail when not given",
    },
    "queue-interval": {
      value: "TIME",
      says: "try what waits once in this time (30m, 1h), as sendmail -q30m; else each message has its own schedule",
    },
    "no-console": { says: "leave the console out" },
    "console-port": {
      value: "PORT",
      says: "the console's port instead of confCONSOLE_PORT; 0: any that is free",
    },
    quiet: { says: "print only the line ready" },
  },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const began = performance.now()
  // Whoever started us may have stopped reading (sendmail -bd, a closed terminal): the mail goes on.
  for (const stream of [io.stdout, io.stderr]) stream.on("error", () => {})
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const resolver = given.text("resolver")
  if (resolver !== undefined && !isPlace(resolver)) {
    return refuse(
      io,
      `waypost start: --resolver is ADDR:PORT, such as 127.0.0.1:53, not "${resolver}"`,
      exits.usage,
    )
  }
  const interval = intervalOf(given)
  if (!interval.ok) return refuse(io, `waypost start: --queue-interval: ${interval.error}`, exits.usage)
  const console = consoleOf(given)
  if (!console.ok) return refuse(io, `waypost start: ${console.error}`, exits.usage)
  const state = ownState(given.text("state"), io)
  const mailUser = userFor(state, given.has("quiet"), io)
  if (mailUser !== undefined && ![io.entry, process.execPath].every((file) => canRead(mailUser, file))) {
    return runCopy(state, argv, io)
  }
  return superviseStart({
    ...options(given, state, io),
    queueInterval: interval.value,
    console: console.value,
    mailUser,
    onReady: (report) => printReady(began, given, report, io),
  })
}

function printReady(
  began: number,
  given: Arguments,
  report: Parameters<StartOptions["onReady"]>[0],
  io: Io,
): void {
  const seconds = (performance.now() - began) / 1000
  for (const line of doubts(report)) io.stderr.write(`waypost: ${line}\n`)
  if (!given.has("quiet"))
    io.stdout.write(
      printReport({
        ...report,
        seconds,
        checkout: io.env["WAYPOST_CHECKOUT"] ?? checkoutOf(io.entry),
        cwd: io.cwd,
      }),
    )
  io.stdout.write("ready\n")
}

/** What the operator should know at a start that went well. */
function doubts(report: StartReport): string[] {
  const missing = missingFolder(report)
  const unprotected =
    report.mailUser?.uid === 0
      ? `the user ${mailUserName} cannot get into ${report.layout.state}, so all of it runs as root`
      : undefined
  return [unprotected, missing].filter((line) => line !== undefined)
}

function options(
  given: Arguments,
  state: string,
  io: Io,
): Omit<StartOptions, "mailUser" | "onReady" | "queueInterval" | "console"> {
  const config = given.text("config")
  const file = config === undefined ? undefined : resolve(io.cwd, config)
  const say = (line: string) => void io.stderr.write(`waypost: ${line}\n`)
  return {
    entry: io.entry,
    state,
    resolver: given.text("resolver"),
    logFormat: given.text("log-format") === "json" ? "json" : "sendmail",
    load: () => load(file, state, say),
    say,
  }
}

function consoleOf(given: Arguments): Result<StartOptions["console"]> {
  if (given.has("no-console")) return ok("none")
  const text = given.text("console-port")
  if (text === undefined) return ok({ port: undefined })
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    return fail(`--console-port is a port, which "${text}" is not`)
  return ok({ port })
}

function intervalOf(given: Arguments): Result<number | undefined> {
  const text = given.text("queue-interval")
  return text === undefined ? ok(undefined) : parseSeconds(text, "m") // sendmail -q30 means minutes
}

function load(
  file: string | undefined,
  state: string,
  say: (line: string) => void,
): ReturnType<StartOptions["load"]> {
  const configured = loadConfiguration(file, state)
  if (!configured.ok) return configured
  for (const warning of configured.value.warnings) say(warning)
  return ok(configured.value.settings)
}

/**
 * The user the mail process runs as: only root can give it one, and makes it when nobody has run `waypost install`. Where
 * that user cannot get into the state directory, as in a folder that mktemp(1) made, it stays root; printReady says so.
 */
function userFor(state: string, quiet: boolean, io: Io): MailUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const found = findMailUser()
  if (canEnter(found ?? nobody, state)) return found ?? newMailUser(quiet, io)
  return { name: "root", uid: 0, gid: 0 }
}

/** A user who owns nothing: what is closed to it is closed to one that is still to be made. */
const nobody = { uid: -1, gid: -1 }

function newMailUser(quiet: boolean, io: Io): MailUser {
  const made = makeMailUser()
  if (!quiet)
    io.stdout.write(`made the system user ${made.name} (uid ${made.uid}), as waypost install would\n`)
  return made
}

/** Becomes the same program in a place that the mail user can read; this process is replaced. */
function runCopy(state: string, argv: readonly string[], io: Io): never {
  const copy = copyProgram({ node: process.execPath, entry: io.entry }, state)
  const args = [copy.node, ...process.execArgv, copy.entry, "waypost", "start", ...argv]
  process.execve?.(copy.node, args, { ...process.env, WAYPOST_CHECKOUT: checkoutOf(io.entry) })
  throw new Error("execve came back")
}

function isPlace(text: string): boolean {
  return /^(?:\[[0-9A-Fa-f:.]+\]|[0-9.]+|[0-9A-Fa-f:]+):\d{1,5}$/.test(text)
}
