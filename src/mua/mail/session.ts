// One `mail` session on one mailbox: which messages there are under which numbers, which is current, and what is to become of each
// at the end. Nothing is written before `quit` (or a change of folder); `exit` leaves the mailbox as it was.
import type { Io } from "../../commands/io.ts"
import { type Header, isNamed, scanHeader } from "../../message/header.ts"
import type { Mailbox } from "../mailbox.ts"
import { statusFields } from "../mbox-scan.ts"
import { openMailbox } from "../open.ts"
import { saveMessage } from "../save.ts"
import type { Flags, Listed } from "../summary.ts"
import type { Numbered } from "./message-list.ts"
import type { Terminal } from "./terminal.ts"
import type { Wanted } from "./variables.ts"

/** What becomes of a message at quit: `mbox` moves it there, `keep` leaves a read one in the system mailbox. */
export type Fate = "usual" | "delete" | "saved" | "keep" | "mbox"

export type State = { flags: Flags; fate: Fate; touched: boolean }

/** Runs one command line; what the loop does after it. `where` says whose line it is when it is not the person's own. */
export type Perform = (text: string, session: Session, where?: string) => Promise<"go on" | "quit" | "exit">

export type SessionParts = {
  readonly io: Io
  readonly terminal: Terminal
  readonly wanted: Wanted
  readonly user: string
  readonly perform: Perform
  readonly mailbox: Mailbox
  readonly isSystem: boolean
}

export class Session {
  readonly io: Io
  readonly terminal: Terminal
  readonly wanted: Wanted
  readonly user: string
  readonly perform: Perform
  mailbox: Mailbox
  /** The system mailbox: what was read goes to mbox. */
  isSystem: boolean
  dot = 0
  /** The folder before this one: `#`. */
  previous: string | undefined
  #order: Listed[] = []
  readonly #states = new Map<string, State>()

  constructor(parts: SessionParts) {
    this.io = parts.io
    this.terminal = parts.terminal
    this.wanted = parts.wanted
    this.user = parts.user
    this.perform = parts.perform
    this.mailbox = parts.mailbox
    this.isSystem = parts.isSystem
    this.begin()
  }

  /** Numbers the messages of a mailbox that was just opened; the first new one is current, else the first unread. */
  begin(): void {
    this.#order = [...this.mailbox.messages]
    this.#states.clear()
    const by = (meets: (flags: Flags) => boolean) => this.#order.findIndex(({ flags }) => meets(flags))
    const start = [by(({ recent, seen }) => recent && !seen), by(({ seen }) => !seen)].find((i) => i >= 0)
    this.dot = this.#order.length === 0 ? 0 : (start ?? 0) + 1
  }

  get messages(): readonly Numbered[] {
    return this.#order.map((listed, i) => this.#numbered(listed, i))
  }

  get count(): number {
    return this.#order.length
  }

  message(number: number): Numbered | undefined {
    const listed = this.#order[number - 1]
    return listed === undefined ? undefined : this.#numbered(listed, number - 1)
  }

  #numbered(listed: Listed, i: number): Numbered {
    const state = this.#states.get(listed.key)
    if (state === undefined) return { number: i + 1, listed, deleted: false }
    return { number: i + 1, listed: { ...listed, flags: state.flags }, deleted: state.fate === "delete" }
  }

  stateOf({ listed: { key, flags } }: Numbered): State {
    const found = this.#states.get(key)
    if (found !== undefined) return found
    const made: State = { flags, fate: "usual", touched: false }
    this.#states.set(key, made)
    return made
  }

  /** The message's octets; undefined, said, when another program removed it. */
  async read(message: Numbered): Promise<Buffer | undefined> {
    const octets = await this.mailbox.read(message.listed.key)
    if (octets === undefined)
      this.terminal.complain(`${message.number}: another program has removed this message`)
    return octets
  }

  /** Marks it as read and makes it current. */
  touch(message: Numbered): void {
    const state = this.stateOf(message)
    state.flags = { ...state.flags, seen: true, recent: false }
    state.touched = true
    this.dot = message.number
  }

  /** New mail since the last look gets the next numbers. */
  async look(): Promise<number> {
    const { came } = await this.mailbox.look()
    this.#order.push(...came)
    return came.length
  }

  /** Writes what was done, as `quit` does. */
  async finish(): Promise<void> {
    const flags = new Map<string, Flags>()
    const removed = new Set<string>()
    const toMbox: Numbered[] = []
    for (const message of this.messages) {
      const { key, flags: before } = message.listed
      const state = this.#states.get(key)
      const fate = state?.fate ?? "usual"
      const now = state?.flags ?? before
      if (fate === "delete" || (fate === "saved" && this.isSystem && !this.#is("keepsave"))) removed.add(key)
      else if (this.#goesToMbox(fate, state?.touched === true)) toMbox.push(message)
      else flags.set(key, { ...now, recent: false })
    }
    await this.#fillMbox(toMbox)
    for (const { listed } of toMbox) removed.add(listed.key)
    await this.mailbox.write({ flags, removed })
    if (toMbox.length > 0)
      this.terminal.say(`Saved ${toMbox.length} message${toMbox.length === 1 ? "" : "s"} in ${this.#mbox()}`)
    await this.mailbox.close()
  }

  /** What was read in this session; what was left there after an earlier one stays. */
  #goesToMbox(fate: Fate, touched: boolean): boolean {
    if (!this.isSystem) return false
    if (fate === "mbox") return true
    return fate === "usual" && touched && !this.#is("hold")
  }

  #is(name: string): boolean {
    return this.wanted.variables.has(name)
  }

  #mbox(): string {
    return this.wanted.variables.get("MBOX") ?? "mbox"
  }

  /** First there, synced, then gone here: a crash between leaves a message twice, never not at all. */
  async #fillMbox(messages: readonly Numbered[]): Promise<void> {
    for (const message of messages) await this.saveTo(this.#mbox(), message, "whole, marked")
  }

  /** Appends a message to an mbox: as it is, or with the marks it has now. False, said, when it is gone. */
  async saveTo(path: string, message: Numbered, what: "whole" | "whole, marked"): Promise<boolean> {
    const octets = await this.read(message)
    if (octets === undefined) return false
    const saved = what === "whole" ? octets : withStatus(scanHeader(octets), this.stateOf(message).flags)
    await saveMessage(path, saved, message.listed)
    return true
  }

  /** Another folder; this one is finished first. */
  async change(path: string, isSystem: boolean): Promise<void> {
    const next = await openMailbox(path)
    await this.finish()
    this.previous = this.mailbox.path
    this.mailbox = next
    this.isSystem = isSystem
    this.begin()
  }
}

function withStatus(header: Header, flags: Flags): Buffer {
  const { bytes, end } = header
  const kept: Buffer[] = []
  let at = 0
  for (const field of header.fields) {
    if (!isNamed(header, field, "status") && !isNamed(header, field, "x-status")) continue
    kept.push(bytes.subarray(at, field.start))
    at = field.end
  }
  return Buffer.concat([
    ...kept,
    bytes.subarray(at, end),
    Buffer.from(statusFields({ ...flags, recent: false }, "\n")),
    bytes.subarray(end),
  ])
}
