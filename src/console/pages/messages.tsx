// Messages that came, left and wait, and sessions that were refused: found by id, address or subject.
import { useEffect, useState } from "preact/hooks"
import type { MessageLine } from "../api.ts"
import { ask, useAnswer } from "./asking.ts"
import { Address, Badge, Empty, Head, Problem, Time, toneOf, Waiting } from "./parts.tsx"
import { hrefOf, place } from "./place.ts"
import { readable } from "./readable.ts"
import { peerWords } from "./words.ts"

const first = 100

/** The list, with its search. */
export function MessagesPage() {
  const q = place.value.query.get("q") ?? ""
  const [limit, setLimit] = useState(first)
  useEffect(() => setLimit(first), [q])
  const { value, trouble, busy, again } = useAnswer(`${q} ${limit}`, (signal) =>
    ask("GET /api/messages", { limit, ...(q === "" ? {} : { q }) }, { signal }),
  )
  return (
    <>
      <Head name="Messages" says="Where did it go, and why? Messages and refused sessions, the newest first.">
        <button type="button" onClick={again} disabled={busy}>
          Look again
        </button>
      </Head>
      <Search q={q} />
      <Problem trouble={trouble} />
      {value === undefined ? (
        trouble === undefined ? (
          <Waiting what="messages" />
        ) : undefined
      ) : value.messages.length === 0 ? (
        <Nothing q={q} />
      ) : (
        <Lines messages={value.messages} />
      )}
      {value?.more === true ? (
        <button type="button" onClick={() => setLimit((n) => n + first)} disabled={busy}>
          Older ones
        </button>
      ) : undefined}
    </>
  )
}

function Search({ q }: { q: string }) {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const words = new FormData(event.currentTarget as HTMLFormElement).get("q")
    location.hash = hrefOf("messages", "", { q: typeof words === "string" ? words.trim() : "" })
  }
  return (
    <form class="search" role="search" onSubmit={submit}>
      <input
        key={q}
        name="q"
        type="search"
        defaultValue={q}
        aria-label="Search by id, address, subject or words of a reply"
        placeholder="id, address, subject …"
        spellcheck={false}
      />
      <button class="main">Search</button>
    </form>
  )
}

function Nothing({ q }: { q: string }) {
  if (q === "")
    return (
      <Empty says="No mail has come yet.">
        <p>
          Send the first: <code>telnet localhost 25</code> and type it, or point a mail program at this host.
          The page <a href={hrefOf("explain")}>Explain</a> tells beforehand what will happen to an address.
        </p>
      </Empty>
    )
  return (
    <Empty says={`Nothing is known of “${q}”.`}>
      <p>
        All words must fit, each a part of an id, an address, a subject or a reply.{" "}
        <a href={hrefOf("messages")}>Show all</a>, or{" "}
        <a href={hrefOf("explain", "", { address: q })}>explain it as an address</a>.
      </p>
    </Empty>
  )
}

function Lines({ messages }: { messages: readonly MessageLine[] }) {
  const now = Date.now()
  return (
    <ul class="rows" aria-label="Messages">
      {messages.map((line) => (
        <li key={line.id}>
          <a class="row" href={hrefOf("messages", line.id)}>
            <span class="row-what">
              <Badge tone={toneOf(line.what)}>{line.what}</Badge>
              <Time at={line.at} now={now} />
            </span>
            <span class="row-main">
              <span class="subject">
                {line.subject === ""
                  ? line.session
                    ? "Refused session"
                    : "(no subject)"
                  : readable(line.subject)}
              </span>
              <Path line={line} />
            </span>
            <span class="row-end">
              <span class="says">
                {(line.session ? [line.status] : [line.status, line.detail])
                  .filter((word) => word !== "")
                  .join(" ")}
              </span>
              <code>{line.id}</code>
            </span>
          </a>
        </li>
      ))}
    </ul>
  )
}

/** From whom to whom; of a session that named nobody, who it was. */
function Path({ line: { session, sender, recipients, remote } }: { line: MessageLine }) {
  const more = recipients.length > 3 ? ` and ${recipients.length - 3} more` : ""
  const to = recipients.slice(0, 3).join(", ")
  if (!session)
    return (
      <span class="path">
        <Address text={sender} /> → <Address text={to || "nobody"} />
        {more}
      </span>
    )
  return (
    <span class="path">
      {remote === undefined ? "" : `${peerWords(remote)} `}
      {sender === undefined ? undefined : (
        <>
          from <Address text={sender} />{" "}
        </>
      )}
      {to === "" ? undefined : (
        <>
          → <Address text={to} />
          {more}
        </>
      )}
    </span>
  )
}
