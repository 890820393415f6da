// The one entry of all programs: the launcher says by which name it was called. Each command is loaded only when it is
// asked for, so that mailq starts as quickly as Node does.
import { alone } from "./alone.ts"
import { type Command, exits, type Io, Refusal } from "./io.ts"

type Load = () => Promise<Command>

/** Programs of their own name in bin/; each is a sub-command of `waypost` too. */
const programs: Readonly<Record<string, Load>> = {
  editmap: () => import("./editmap.ts"),
  hoststat: () => import("./hoststat.ts"),
  mail: () => import("./mail.ts"),
  makemap: () => import("./makemap.ts"),
  mailq: () => import("./mailq.ts"),
  mailstats: () => import("./mailstats.ts"),
  newaliases: () => import("./newaliases.ts"),
  praliases: () => import("./praliases.ts"),
  procmail: () => import("./procmail.ts"),
  purgestat: () => import("./purgestat.ts"),
  rmail: () => import("./rmail.ts"),
  saslpasswd2: () => import("./saslpasswd2.ts"),
  sendmail: () => import("./sendmail.ts"),
  vacation: () => import("./vacation.ts"),
}

const subcommands: Readonly<Record<string, Load>> = {
  ...programs,
  check: () => import("./check.ts"),
  certificate: () => import("./certificate.ts"),
  config: () => import("./config.ts"),
  console: () => import("./console.ts"),
  dkim: () => import("./dkim.ts"),
  dmarc: () => import("./dmarc.ts"),
  dns: () => import("./dns.ts"),
  dnsbl: () => import("./dnsbl.ts"),
  explain: () => import("./explain.ts"),
  forensics: () => import("./forensics.ts"),
  help: () => import("./help.ts"),
  idle: () => import("./idle.ts"),
  install: () => import("./install.ts"),
  make: () => import("./make.ts"),
  queue: () => import("./queue.ts"),
  read: () => import("./read.ts"),
  // `waypost procmail` asks about recipes; the program of that name delivers.
  procmail: () => import("./procmail-tool.ts"),
  ready: () => import("./ready.ts"),
  reload: () => import("./reload.ts"),
  show: () => import("./show.ts"),
  spf: () => import("./spf.ts"),
  sieve: () => import("./sieve.ts"),
  start: () => import("./start.ts"),
  talk: () => import("./talk.ts"),
  tls: () => import("./tls.ts"),
  token: () => import("./token.ts"),
  trace: () => import("./trace.ts"),
  uninstall: () => import("./uninstall.ts"),
  user: () => import("./user.ts"),
  wait: () => import("./wait.ts"),
  whatif: () => import("./whatif.ts"),
}

/** What the supervisor starts: the same program with other rights (daemon/children.ts). */
const processes: Readonly<Record<string, Load>> = {
  agent: async () => ({ run: (await import("../agent/main.ts")).runAgentProcess }),
  console: async () => ({ run: (await import("../console/process.ts")).runConsoleProcess }),
  mail: async () => ({ run: (await import("../daemon/mail.ts")).runMailProcess }),
}

const io: Io = {
  get stdin() {
    return process.stdin
  },
  get stdout() {
    return process.stdout
  },
  get stderr() {
    return process.stderr
  },
  env: process.env,
  cwd: process.cwd(),
  entry: process.argv[1] ?? "",
  alone,
}

/** Runs `PROGRAM ARGUMENT…`; the result is the exit code. */
export async function runProgram([program = "waypost", ...argv]: readonly string[]): Promise<number> {
  if (argv.length === 1 && argv[0] === "--version" && program !== "process") return printVersion()
  if (program !== "waypost") return runIn(program === "process" ? argv : [program, ...argv], tableOf(program))
  const [name] = argv
  return name === undefined || name === "--help" || name === "-h"
    ? runIn(["help"], subcommands)
    : runIn(argv, subcommands)
}

function tableOf(program: string): Readonly<Record<string, Load>> {
  return program === "process" ? processes : programs
}

async function runIn(
  [name = "", ...argv]: readonly string[],
  table: Readonly<Record<string, Load>>,
): Promise<number> {
  const load = Object.hasOwn(table, name) ? table[name] : undefined
  if (load === undefined) throw await unknown(name)
  const command = await load()
  return command.run(argv, io)
}

async function unknown(name: string): Promise<Refusal> {
  const { nearest } = await import("../config/issues.ts")
  const near = nearest(name, Object.keys(subcommands))
  const hint = near === undefined ? "" : `; did you mean ${near}?`
  return new Refusal(`there is no command "${name}"${hint} (waypost --help lists them)`, exits.usage)
}

async function printVersion(): Promise<number> {
  const { versionLine } = await import("./version.ts")
  alone.print(`${versionLine}\n`)
  return exits.ok
}

/** A user's mistake is one line; anything else is ours, and says so. */
async function explain(error: unknown): Promise<number> {
  if (isClosedPipe(error)) return exits.ok
  const [program = "waypost"] = process.argv.slice(2)
  if (error instanceof Refusal) {
    process.stderr.write(`${program === "process" ? "waypost" : program}: ${error.message}\n`)
    return error.code
  }
  const { versionLine } = await import("./version.ts")
  const stack = error instanceof Error ? error.stack : String(error)
  process.stderr.write(
    `This is a bug in Waypost, not your mistake. Please report it with these lines:\n${versionLine}\n${stack}\n`,
  )
  return exits.software
}

/** `mailq | head` closes our output while we write: that is an end, no failure. */
function isClosedPipe(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === "EPIPE" &&
    "syscall" in error &&
    error.syscall === "write"
  )
}

function end(code: number): void {
  process.exitCode = code
}

/** Runs what the arguments of this process ask for. Threads load this file too, with other things in it; they never call this. */
export function start(): void {
  process.on("uncaughtException", (error) => {
    if (isClosedPipe(error)) process.exit(exits.ok)
    void explain(error).then((code) => process.exit(code))
  })
  // What a daemon says is lost when nobody reads it any more; the mail goes on.
  if (process.argv[2] === "process") process.stderr.on("error", () => {})
  // A process of the daemon has ended when it says so, whatever connection is still open.
  const ends = process.argv[2] === "process" ? (code: number) => process.exit(code) : end
  void runProgram(process.argv.slice(2)).catch(explain).then(ends)
}
