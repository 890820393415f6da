// The sendmail command, as programs have called it for forty years: its flags, its modes, its exit codes. It hands mail to the
// running daemon and asks it what is to be known; the ways into the queue are the daemon's own.
import { appendFileSync } from "node:fs"
import { exits, inputOf, type Io, print, Refusal, refuse } from "./io.ts"
import { namesOption, readSendmailOptions, type SendmailOptions } from "./sendmail-options.ts"
import { runningState } from "./state.ts"

const usage = `Usage: sendmail [FLAG…] [ADDRESS…]
Takes a message on standard input and puts it into the queue of the running Waypost.

  -t             recipients from To:, Cc: and Bcc: of the message, beside those given; Bcc: is removed
  -i, -oi        a line of a single dot does not end the message
  -f ADDRESS     the sender of the envelope; -F NAME the name in From:
  -N WORDS       reports: never, or success,failure,delay; -R full|hdrs what they return; -V ID their envelope id
  -B 8BITMIME    the message has octets above 127 (found out by itself else)
  -v             shows the conversation; -X FILE appends it to a file
  -bs            SMTP on standard input and output
  -bv            where the addresses lead, without sending
  -bp            the queue (mailq); -qI, -qR, -qS choose; -bP how much is there; -bi makes the aliases anew
                 (newaliases)
  -bd, -bD       starts the mail system, in the background or foreground; with -q30m: a queue run every half hour
  -q             tries everything in the queue now; -qI, -qR, -qS, -qG choose, with ! all others
  -QREASON -qI…  holds what is chosen; -Q -qI… releases it
  -bt            asks how addresses are treated, line by line; ? lists what can be asked
  -C FILE        the sendmail.mc for -bd, -bD, -bv, -bi and -bt (for -bt also a compiled sendmail.cf)
  --state DIR    the state directory (else $WAYPOST_STATE, ./var of the checkout, /var/lib/waypost)

Other flags and options of sendmail are read and checked; those that only mean something to sendmail's own processes
(delivery mode, debugging, hop counts, log tags) change nothing here: how mail is delivered is the daemon's to decide.
`

export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv[0] === "--help") {
    io.stdout.write(usage)
    return exits.ok
  }
  const names = namesOption(argv) ? (await import("../config/options.ts")).optionOfCf : () => undefined
  const read = readSendmailOptions(argv, names)
  if (!read.ok) return refuse(io, `sendmail: ${read.error}`, exits.usage)
  const options = read.value
  if (options.state === "") return refuse(io, "sendmail: --state needs DIR", exits.usage)
  return inMode(options, io)
}

async function inMode(options: SendmailOptions, io: Io): Promise<number> {
  const state = runningState(options.state, io)
  if (options.debug !== undefined) {
    const { asksForIdentity, identity } = await import("./sendmail-identity.ts")
    if (asksForIdentity(options.debug)) print(io, identity(options.config, state))
  }
  switch (options.mode) {
    case "m":
      if (options.quarantine !== undefined) return quarantine(options, state, io)
      if (options.queueRun !== undefined && options.operands.length === 0) return queueRun(options, state, io)
      return await (await import("./sendmail-message.ts")).sendMessage(options, {
        state,
        listener: listenerFor(options, io),
        io,
        input: inputOf(io),
      })
    case "s":
      return (await import("./sendmail-bridge.ts")).bridge(state, io)
    case "h":
      return (await import("./hoststat.ts")).run(withState(options), io)
    case "H":
      return (await import("./purgestat.ts")).run(withState(options), io)
    case "v":
      return verify(options, state, io)
    case "p":
      return (await import("./mailq.ts")).run(queueArguments(options), io)
    case "P":
      return (await import("./queue-list.ts")).countQueue(state, options.queue ?? "main", io)
    case "i":
      return (await import("./newaliases.ts")).run([...withConfig(options), ...withState(options)], io)
    case "d":
    case "D":
      return start(options, io)
    case "t":
      return (await import("./sendmail-test.ts")).testAddresses({ config: options.config, state }, io)
  }
}

/** The conversation for -v (sendmail's form) and for -X (with the process id before each line). */
function listenerFor({ verbose, trafficLog }: SendmailOptions, io: Io) {
  return (direction: ">>>" | "<<<", line: string) => {
    if (verbose) print(io, direction === ">>>" ? `>>> ${line}\n` : `${line}\n`)
    if (trafficLog !== undefined) appendTraffic(trafficLog, `${process.pid} ${direction} ${line}\n`)
  }
}

function appendTraffic(file: string, line: string): void {
  try {
    appendFileSync(file, line, { mode: 0o600 })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Refusal(`-X ${file}: ${why}`, exits.cannotCreate)
  }
}

function withState({ state }: SendmailOptions): readonly string[] {
  return state === undefined ? [] : ["--state", state]
}

function withConfig({ config }: SendmailOptions): readonly string[] {
  return config === undefined || config.endsWith(".cf") ? [] : ["-C", config]
}

/** -bv asks the running system, and with -C another sendmail.mc; a sendmail.cf that scripts name is not what decides here. */
async function verify(options: SendmailOptions, state: string, io: Io): Promise<number> {
  const { verify: ask, verifyByFile } = await import("./sendmail-verify.ts")
  const { config, operands } = options
  return config === undefined || config.endsWith(".cf")
    ? ask(operands, state, io)
    : verifyByFile(operands, { config, state }, io)
}

function queueArguments(options: SendmailOptions): readonly string[] {
  const parts = (options.queueRun?.parts ?? []).map(
    ({ field, part, not }) => `-q${not ? "!" : ""}${field}${part}`,
  )
  return [
    ...(options.verbose ? ["-v"] : []),
    ...(options.queue === "client" ? ["-Ac"] : []),
    ...parts,
    ...withState(options),
  ]
}

/** -q: everything that the parts name is tried now; waits until that is done, as sendmail does. */
async function queueRun(
  { queueRun: wanted, queue }: SendmailOptions,
  state: string,
  io: Io,
): Promise<number> {
  if (wanted?.interval !== undefined) {
    return refuse(io, "sendmail: -q with a time belongs to -bd or -bD: sendmail -bd -q30m", exits.usage)
  }
  const { Control } = await import("./control-client.ts")
  const control = await Control.open(state, io)
  try {
    const first =
      queue === "client" ? { verb: "client run" } : { verb: "retry", ...meant(wanted?.parts ?? []) }
    for await (const _ of control.ask(first)) continue
    for await (const _ of control.ask({ verb: "idle", timeout: 3600 })) continue
    return exits.ok
  } finally {
    control.close()
  }
}

/** -Q: what the parts name is held, or released; nothing is tried that was not. */
async function quarantine(
  { queueRun: wanted, quarantine: because = "" }: SendmailOptions,
  state: string,
  io: Io,
): Promise<number> {
  const parts = wanted?.parts ?? []
  if (parts.length === 0)
    return refuse(
      io,
      "sendmail: -Q needs -qI, -qR, -qS, -qQ or -qG, to say which messages are meant",
      exits.usage,
    )
  const release = because === ""
  const { selection } = meant(parts)
  const held = release || parts.some(({ field }) => field === "Q") ? "only" : "no"
  const { ask } = await import("./control-client.ts")
  const request = { verb: release ? "release" : "hold", all: true, selection: { ...selection, held } }
  for await (const _ of ask(state, release ? request : { ...request, because })) continue
  return exits.ok
}

const fieldOf = { I: "id", R: "recipient", S: "sender", Q: "reason", G: "group" } as const

/** What is in quarantine is never tried before it is released. */
function meant(parts: NonNullable<SendmailOptions["queueRun"]>["parts"]) {
  const limits = parts.map(({ field, part, not }) => ({ field: fieldOf[field], part, not }))
  return { all: true, selection: { limits, held: "no" } }
}

/** -bd and -bD: `waypost start`; in the background it has answered before we end. */
async function start(options: SendmailOptions, io: Io): Promise<number> {
  const interval = options.queueRun?.interval
  const argv = [
    ...withState(options),
    ...(options.config === undefined ? [] : ["--config", options.config]),
    ...(interval === undefined ? [] : ["--queue-interval", interval]),
  ]
  if (options.mode === "D") return (await import("./start.ts")).run(argv, io)
  return (await import("./sendmail-daemon.ts")).startInBackground(argv, io)
}
