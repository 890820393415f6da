// One waiting message: whose it is, when it is tried next, and what the other host said last, in plain words and its own.
import type { QueueLine } from "../api-queue.ts"
import { Address, Badge } from "./parts.tsx"
import { hrefOf } from "./place.ts"
import { readable } from "./readable.ts"
import { many, peerWords, relative, sizeOf, statusWords } from "./words.ts"

type QueueRowProps = {
  readonly line: QueueLine
  readonly now: number
  readonly chosen: boolean
  readonly toggle: (id: string) => void
}

const mostRecipients = 4

/** A row of the queue. */
export function QueueRow({ line, now, chosen, toggle }: QueueRowProps) {
  const { id, subject, sender, size, acceptedAt, held, recipients } = line
  return (
    <li class={chosen ? "chosen" : ""}>
      <input type="checkbox" checked={chosen} onChange={() => toggle(id)} aria-label={`Choose ${id}`} />
      <div class="row-main">
        <a class="subject" href={hrefOf("messages", id)}>
          {subject === "" ? "(no subject)" : readable(subject)}
        </a>
        <span class="path">
          from <Address text={sender} /> · {sizeOf(size)} · came {relative(Date.parse(acceptedAt), now)} ·{" "}
          <code>{id}</code>
        </span>
        {held === false ? undefined : (
          <p class="says">
            <Badge tone="warning">held</Badge> {held}
          </p>
        )}
        <ul class="recipients">
          {recipients.slice(0, mostRecipients).map((recipient, n) => (
            <Recipient key={n} recipient={recipient} now={now} held={held !== false} />
          ))}
        </ul>
        {recipients.length > mostRecipients ? (
          <p class="note">and {many(recipients.length - mostRecipients, "more recipient")}</p>
        ) : undefined}
      </div>
    </li>
  )
}

type RecipientProps = {
  readonly recipient: QueueLine["recipients"][number]
  readonly now: number
  readonly held: boolean
}

function Recipient({ recipient, now, held }: RecipientProps) {
  const { address, attempts, nextAttempt, status, text, remote } = recipient
  const plain = statusWords(`${status ?? ""} ${text ?? ""}`)
  const next = nextAttempt === undefined ? undefined : Date.parse(nextAttempt)
  const when = held
    ? "not tried until it is released"
    : next === undefined || next <= now
      ? "due now"
      : `tried again ${relative(next, now)}`
  return (
    <li>
      <span class="path">
        to <Address text={address} /> · {when}
        {attempts === 0 ? "" : ` · ${many(attempts, "attempt")} so far`}
      </span>
      {text === undefined && status === undefined ? undefined : (
        <p class="says">
          {plain === undefined ? undefined : <strong>{plain}. </strong>}
          <q>{text ?? status}</q>
          {remote === undefined ? undefined : <span> — {peerWords(remote)}</span>}
        </p>
      )}
    </li>
  )
}
