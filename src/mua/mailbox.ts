// What a reader needs of a mailbox, whatever its form on disk. Others deliver into it and read it at the same time: what they did
// is never undone, and what is read here is found again by its key.
import type { Flags, Listed } from "./summary.ts"

/** What came and went since the last look. */
export type News = { readonly came: readonly Listed[]; readonly went: readonly string[] }

/** What a reader has done, to be written down. */
export type Changes = {
  readonly flags: ReadonlyMap<string, Flags>
  readonly removed: ReadonlySet<string>
}

export type Mailbox = {
  readonly path: string
  readonly form: "mbox" | "maildir"
  /** In the order in which they lie there. Replaced by `look` and `write`. */
  readonly messages: readonly Listed[]
  /** Looks what others did: deliveries, other readers. Cheap when nothing happened. */
  look(): Promise<News>
  /**
   * The message's octets, without the From_ line. Undefined when another reader has removed it. They stand in `room` where they find
   * room in it: who reads one message after the other needs no new memory for each.
   */
  read(key: string, room?: Buffer): Promise<Buffer | undefined>
  /** Writes flags and removes messages; keys that are gone already are passed over. Whole or not at all, through a crash. */
  write(changes: Changes): Promise<void>
  close(): Promise<void>
}

/** A mailbox that cannot be opened or written: one sentence for the user. */
export class MailboxError extends Error {}
