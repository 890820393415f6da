// What the sendmail command may say at the local door beside SMTP: that a message waits for a queue run (-odq). No client of the
// network is understood here.
import type { TypedAddress } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Transaction } from "../mail/envelope.ts"
import type { Parameter } from "./path.ts"

/** The words of MAIL: the message waits; the sender was named by the old -r instead of -f. */
const queueOnly = "XQUEUE"
const oldFlag = "XR"

type LocalWishes = { readonly waits: boolean; readonly namedBy: "-r" | undefined }

/** The parameters that are SMTP's, and what the others wish. */
export function localParameters(
  arrival: Arrival,
  parameters: readonly Parameter[],
): LocalWishes & { readonly smtp: readonly Parameter[] } {
  if (arrival.protocol !== "local") return { smtp: parameters, waits: false, namedBy: undefined }
  const has = (word: string) => parameters.some(({ key }) => key === word)
  const smtp = parameters.filter(({ key }) => key !== queueOnly && key !== oldFlag)
  return { smtp, waits: has(queueOnly), namedBy: has(oldFlag) ? "-r" : undefined }
}

/** The transaction as the local door has it: a sender without a domain stays known as it was typed. */
export function atLocalDoor(
  arrival: Arrival,
  tx: Transaction,
  { path, waits, namedBy }: LocalWishes & { readonly path: TypedAddress | "null" },
): Transaction {
  if (arrival.protocol !== "local") return tx
  const bare = path !== "null" && path.kind === "local" ? path.text : undefined
  const envelope = bare === undefined ? tx.envelope : { ...tx.envelope, typedSender: bare }
  const wished = waits ? { ...tx, envelope, waits } : { ...tx, envelope }
  return namedBy === undefined ? wished : { ...wished, namedBy }
}

/** A recipient of the local door stays known as it was typed, too. */
export function typedRecipient(
  arrival: Arrival,
  path: TypedAddress | "postmaster",
): { readonly typed?: string } {
  return arrival.protocol === "local" && path !== "postmaster" && path.kind === "local"
    ? { typed: path.text }
    : {}
}
