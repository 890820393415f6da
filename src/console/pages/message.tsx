// One message or refused session: its timeline with every decision and the line that made it; envelope and header side by side.
import type { Message, Told } from "../api.ts"
import { ask, useAnswer } from "./asking.ts"
import { Badge, Empty, Head, Panel, Problem, toneOf, Waiting } from "./parts.tsx"
import { Reasons } from "./reasons.tsx"
import { hrefOf } from "./place.ts"
import { readable } from "./readable.ts"
import { clockTime, peerWords, span, statusWords } from "./words.ts"

/** The page of one id. */
export function MessagePage({ id }: { id: string }) {
  const { value, trouble, busy, again } = useAnswer(id, (signal) =>
    ask("GET /api/messages/:id", undefined, { id, signal }),
  )
  const title =
    value === undefined ? id : (subjectOf(value) ?? (isSession(value) ? "Refused session" : "(no subject)"))
  return (
    <>
      <p class="back">
        <a href={hrefOf("messages")}>← Messages</a>
      </p>
      <Head name={title} says={id}>
        {value?.queued === undefined ? undefined : (
          <a class="button" href={hrefOf("queue", "", { ids: id })}>
            In the queue
          </a>
        )}
        {value?.headerText === undefined ? undefined : (
          <a class="button" href={hrefOf("forensics", id)}>
            Examine
          </a>
        )}
        <button type="button" onClick={again} disabled={busy}>
          Look again
        </button>
      </Head>
      <Problem trouble={trouble} />
      {value === undefined ? (
        trouble === undefined ? (
          <Waiting what={id} />
        ) : undefined
      ) : (
        <Whole message={value} />
      )}
    </>
  )
}

function isSession({ queued, remembered, events }: Message): boolean {
  return (queued ?? remembered) === undefined && events.every(({ what }) => what === "refused")
}

function subjectOf({ queued, remembered }: Message): string | undefined {
  const subject = (queued?.entry ?? remembered?.entry)?.summary.subject
  return subject === undefined || subject === "" ? undefined : readable(subject)
}

function Whole({ message }: { message: Message }) {
  return (
    <>
      {message.damaged === undefined ? undefined : (
        <Problem trouble={{ error: "the stored message is damaged", hint: message.damaged }} />
      )}
      <Panel
        name="Timeline"
        aside={isSession(message) ? "refused" : message.queued === undefined ? "done" : "still in the queue"}
      >
        <Timeline events={message.events} />
      </Panel>
      <div class="sides">
        <Panel name="Envelope" aside="what the hosts said">
          {message.envelope.length === 0 ? (
            <Empty says="No envelope is known: no message was taken." />
          ) : (
            <ol class="lines">
              {message.envelope.map((line, n) => (
                <li key={n}>{line}</li>
              ))}
            </ol>
          )}
        </Panel>
        <Panel name="Header" aside="what the writer said">
          {message.fields.length === 0 ? (
            <Empty says="No header is known: the session ended before one came." />
          ) : (
            <dl class="fields">
              {message.fields.map(({ name, value }, n) => (
                <div key={n}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
          )}
        </Panel>
      </div>
    </>
  )
}

function Timeline({ events }: { events: readonly Told[] }) {
  if (events.length === 0)
    return <Empty says="Nothing of it is remembered: timelines are kept as long as confHISTORY_TIME says." />
  const begin = events[0]?.at ?? 0
  return (
    <ol class="timeline">
      {events.map((event, n) => (
        <li key={n} class={toneOf(event.what)}>
          <p class="moment">
            <time dateTime={new Date(event.at).toISOString()}>{clockTime(event.at)}</time>
            {n === 0 ? undefined : <span class="note">+{span(event.at - begin)}</span>}
          </p>
          <div>
            <p>
              <Badge tone={toneOf(event.what)}>{event.what}</Badge>{" "}
              <span class="address">{event.address}</span>
            </p>
            <Words event={event} />
            <Reasons lines={event.reasons} />
          </div>
        </li>
      ))}
    </ol>
  )
}

/** What a client had asked when it was refused. */
const questions: Readonly<Record<string, string>> = {
  check_relay: "when it connected",
  check_helo: "at HELO",
  check_mail: "at MAIL FROM",
  check_rcpt: "at RCPT TO",
  check_data: "at DATA",
  check_eom: "after the message",
}

function Words({ event }: { event: Told }) {
  const { status, detail, remote, what } = event
  if (what === "refused")
    return (
      <p class="says">
        <q>{status}</q> said {questions[detail] ?? `(${detail})`}
        {remote === undefined || remote === "" ? "" : ` to ${peerWords(remote)}`}
      </p>
    )
  const plain = what === "delivered" || what === "relayed" ? undefined : statusWords(status)
  return (
    <p class="says">
      {plain === undefined ? undefined : <span>{plain}: </span>}
      {[status, detail].filter((word) => word !== "").join(" ")}
      {remote === undefined || remote === "" ? undefined : <span> — {peerWords(remote)}</span>}
    </p>
  )
}
