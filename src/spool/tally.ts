// How many messages, recipients and octets wait. What was there at the start is counted when somebody first asks, page by page
// beside the running work; what comes and goes meanwhile is added and taken away.
import type { DatabaseSync, StatementSync } from "node:sqlite"
import type { Totals } from "./requests.ts"

const page = 5000

/** Counts of one database; changes of a transaction hold only when it is committed. */
export class Tally {
  readonly #messages: StatementSync
  readonly #recipients: StatementSync
  /** Rows up to here have been counted, and rows after #last need not be: they were added before our eyes. */
  #counted = 0
  readonly #last: number
  #totals = { messages: 0, recipients: 0, octets: 0 }
  #before = this.#totals

  constructor(database: DatabaseSync) {
    this.#messages = database.prepare(
      "SELECT count(*) AS messages, total(size) AS octets, max(seq) AS seq FROM (SELECT seq, size FROM entry WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?)",
    )
    this.#recipients = database.prepare(
      "SELECT count(*) AS recipients FROM pending WHERE seq > ? AND seq <= ?",
    )
    this.#last = Number(database.prepare("SELECT max(seq) AS seq FROM entry").get()?.["seq"] ?? 0)
  }

  begin(): void {
    this.#before = { ...this.#totals }
  }

  commit(): void {
    this.#before = this.#totals
  }

  rollback(): void {
    this.#totals = this.#before
  }

  added(seq: number, recipients: number, octets: number): void {
    this.#change(seq, 1, recipients, octets)
  }

  removed(seq: number, recipients: number, octets: number): void {
    this.#change(seq, -1, -recipients, -octets)
  }

  recipients(seq: number, difference: number): void {
    this.#change(seq, 0, difference, 0)
  }

  #change(seq: number, messages: number, recipients: number, octets: number): void {
    if (seq > this.#counted && seq <= this.#last) return // it will be counted as it then is
    this.#totals.messages += messages
    this.#totals.recipients += recipients
    this.#totals.octets += octets
  }

  /** Counts one more page; true when all are counted. To be called between transactions. */
  countOn(): boolean {
    if (this.#counted >= this.#last) return true
    const found = this.#messages.get(this.#counted, this.#last, page)
    const end = Number(found?.["seq"] ?? 0) || this.#last
    const recipients = this.#recipients.get(this.#counted, end)
    this.#totals.messages += Number(found?.["messages"] ?? 0)
    this.#totals.octets += Number(found?.["octets"] ?? 0)
    this.#totals.recipients += Number(recipients?.["recipients"] ?? 0)
    this.#counted = end
    return this.#counted >= this.#last
  }

  get totals(): Totals {
    return { ...this.#totals }
  }
}
