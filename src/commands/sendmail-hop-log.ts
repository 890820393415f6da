// What the submission program writes into the machine's log, in sendmail's form and under its name: that a message came, and what
// its server said to each recipient.
import type { Said, Submitted } from "../daemon/submission.ts"
import { Syslog } from "../host/syslog.ts"
import { acceptedLine, deliveredLine } from "../host/log-lines.ts"
import { parseMailbox } from "../mail/address.ts"
import { because, printOrigin } from "../mail/decision.ts"
import { type EnhancedCode, reply } from "../mail/reply.ts"
import type { Action, DeliveryStatus } from "../mail/status.ts"
import { printStamp } from "../message/date.ts"
import { scanHeader, summary } from "../message/header.ts"
import { type Entry, type Pending, untried } from "../queue/entry.ts"
import type { Io } from "./io.ts"
import type { Letter } from "./sendmail-end.ts"
import type { SendmailOptions } from "./sendmail-options.ts"
import type { SubmissionProgram } from "./submission-program.ts"
import { parseReplyWords } from "./submit.ts"

/** What this hop puts on a message, and by which id its log speaks of it. */
export type HopTrace = { readonly id: string; readonly received: string; readonly warning: string }

/** How mail of this login came to the hop. */
export function localArrival(login: string) {
  return {
    session: "",
    protocol: "local",
    client: undefined,
    helo: undefined,
    authenticated: login,
    door: "MSP",
    submission: true,
    tls: undefined,
  } as const
}

export type HopWay = {
  readonly program: SubmissionProgram
  readonly trace: HopTrace
  readonly options: SendmailOptions
  readonly state: string
  readonly io: Io
}

/** Owns its socket of the log. */
export class HopLog {
  readonly #log = new Syslog("/dev/log", "sendmail", () => printStamp(Date.now()))
  readonly #letter: Letter
  readonly #way: HopWay
  readonly #startedAt = Date.now()

  constructor(letter: Letter, way: HopWay) {
    this.#letter = letter
    this.#way = way
  }

  close(): void {
    this.#log.close()
  }

  /** The message came, and by whose word its sender is who it says. */
  came(octets: number): void {
    const { recipients, prepared } = this.#letter
    const entry = { ...this.#entry(), size: prepared.own.length + octets }
    this.#log.say(acceptedLine({ entry, pending: recipients.map((one) => this.#pending(one)) }))
    const words = this.#whoseWord()
    if (words !== undefined) this.#log.say(`${entry.id}: ${words}`)
  }

  #whoseWord(): string | undefined {
    const { program, trace, options } = this.#way
    const { login, path } = this.#letter.sender
    if (trace.warning !== "") return trace.warning.replace("X-", "").trimEnd()
    const at = program.trusted.get(login.toLowerCase())
    if (options.sender === undefined || path === login || at === undefined) return undefined
    return `sender ${path === "" ? "<>" : path} is believed: ${login} is a trusted user (${printOrigin(at)})`
  }

  /** What the server said: one line for all that went, one for each that it refused. */
  went({ refused, said }: Submitted): void {
    for (const one of refused) this.#to(one.recipient, one.said)
    const named = new Set(refused.map(({ recipient }) => recipient))
    const rest = this.#letter.recipients.filter((recipient) => !named.has(recipient))
    if (said !== undefined && rest.length > 0) this.#to(rest.join(","), said)
  }

  /** It waits in the client queue. */
  waits(): void {
    const entry = this.#entry()
    for (const recipient of this.#letter.recipients)
      this.#log.say(
        `${entry.id}: to=${recipient}, delay=00:00:00, mailer=relay, pri=${entry.size + 30_000}, stat=queued`,
      )
  }

  #to(names: string, said: Said): void {
    const status = statusOf(said, this.#way.program.hop.host, this.#pending(names))
    const { sender } = this.#letter
    const by =
      sender.path === ""
        ? undefined
        : { address: sender.path, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
    const tried = { pending: this.#pending(names), status, routed: undefined }
    this.#log.say(deliveredLine(this.#entry(), tried, this.#startedAt, by))
  }

  #entry(): Entry {
    const { sender, prepared, headerSize, ret, envid, body } = this.#letter
    const path = parseMailbox(sender.path.includes("@") ? sender.path : `${sender.path}@${this.#letter.host}`)
    return {
      id: this.#way.trace.id,
      envelope: {
        reversePath: path.ok && sender.path !== "" ? path.value : "null",
        ...(sender.path === "" ? {} : { typedSender: sender.path }),
        body,
        smtputf8: false,
        ret,
        envid,
      },
      arrival: localArrival(sender.login),
      acceptedAt: this.#startedAt,
      size: headerSize,
      headerSize,
      summary: summary(scanHeader(prepared.handedOver)),
      held: undefined,
    }
  }

  #pending(typed: string): Pending {
    const admitted = because("submit.mc", "its server is given all mail", this.#way.program.hop.at)
    return {
      ...untried(0, { path: "postmaster", original: undefined, notify: [], admitted, typed }),
      route: { mailer: "relay", host: this.#way.program.hop.host, user: typed },
    }
  }
}

/** The server's words as what became of a recipient. */
function statusOf(said: Said, host: string, { recipient }: Pending): DeliveryStatus {
  const [first = ""] = said.lines
  const code = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3}) /.exec(first)?.[1] as EnhancedCode | undefined
  const action: Action = said.code < 300 ? "relayed" : said.code < 500 ? "delayed" : "failed"
  const usual = action === "relayed" ? "2.0.0" : action === "delayed" ? "4.0.0" : "5.0.0"
  return {
    recipient,
    action,
    status: code ?? usual,
    diagnostic: reply(said.code, code, ...said.lines.map(parseReplyWords)),
    remote: `${host} ${host.startsWith("[") ? host : ""}`.trimEnd(),
    at: new Date(),
    reason: because("submit.mc", "its server answered"),
  }
}
