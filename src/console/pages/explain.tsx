// A rehearsal: what would become of an address, a session or a message, decided by the very code and settings that real mail meets.
import { useEffect, useState } from "preact/hooks"
import type { ExplainAnswer, ExplainAsked } from "../api-explain.ts"
import { ask, useDoing } from "./asking.ts"
import { Explained, Rehearsed, Rewritten } from "./explain-answer.tsx"
import { Empty, Field, Head, Problem, typed } from "./parts.tsx"
import { place } from "./place.ts"

type Kind = ExplainAsked["kind"]

const kinds: readonly { readonly kind: Kind; readonly name: string }[] = [
  { kind: "address", name: "An address" },
  { kind: "session", name: "A session" },
  { kind: "message", name: "A message" },
]

/** The page of the rehearsal. */
export function ExplainPage() {
  const linked = place.value.query.get("address") ?? ""
  const [kind, setKind] = useState<Kind>("address")
  const { value, trouble, busy, run, clear } = useDoing<ExplainAnswer>()
  useEffect(() => {
    if (linked !== "") run(() => ask("POST /api/explain", { kind: "address", address: linked }))
  }, [linked])
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const asked = askedBy(kind, typed(event.currentTarget as HTMLFormElement))
    run(() => ask("POST /api/explain", asked))
  }
  const choose = (next: Kind): void => {
    setKind(next)
    clear()
  }
  return (
    <>
      <Head name="Explain" says="What would happen, and which line says so. Nothing is sent." />
      <form class="ask" onSubmit={submit}>
        <fieldset class="tabs">
          <legend class="unseen">What is explained</legend>
          {kinds.map((one) => (
            <label key={one.kind}>
              <input type="radio" name="kind" checked={kind === one.kind} onChange={() => choose(one.kind)} />
              <span>{one.name}</span>
            </label>
          ))}
        </fieldset>
        <Questions kind={kind} linked={linked} />
        <button class="main" disabled={busy}>
          Explain
        </button>
      </form>
      <Problem trouble={trouble} />
      {value === undefined ? (
        trouble === undefined ? (
          <Hint kind={kind} />
        ) : undefined
      ) : (
        <Answer answer={value} />
      )}
    </>
  )
}

function askedBy(kind: Kind, field: (name: string) => string): ExplainAsked {
  const maybe = (name: string): Record<string, string> =>
    field(name).trim() === "" ? {} : { [name]: field(name).trim() }
  const to = field("to")
    .split(/[\s,]+/)
    .filter((address) => address !== "")
  switch (kind) {
    case "address":
      return { kind, address: field("address").trim(), ...maybe("from"), ...maybe("client") }
    case "session":
      return { kind, client: field("client").trim(), from: field("from").trim(), to, ...maybe("helo") }
    case "message":
      return {
        kind,
        message: field("message"),
        ...maybe("client"),
        ...maybe("helo"),
        ...maybe("from"),
        ...(to.length === 0 ? {} : { to }),
      }
  }
}

function Questions({ kind, linked }: { kind: Kind; linked: string }) {
  const plain = { spellcheck: false, autoCapitalize: "off" } as const
  return (
    <div class="questions">
      {kind === "address" ? (
        <Field label="Address">
          <input
            key={linked}
            name="address"
            required
            defaultValue={linked}
            placeholder="postmaster, me@example.org …"
            {...plain}
          />
        </Field>
      ) : undefined}
      {kind === "message" ? (
        <Field label="The message, header and all">
          <textarea name="message" required rows={10} {...plain} />
        </Field>
      ) : undefined}
      {kind === "address" ? undefined : (
        <Field label="To" {...(kind === "message" ? { note: "else To: and Cc: of the message" } : {})}>
          <input name="to" required={kind === "session"} placeholder="one or more" {...plain} />
        </Field>
      )}
      <Field label="From" {...(kind === "session" ? { note: "empty: the sender of reports, <>" } : {})}>
        <input name="from" placeholder="grussell@napier.ac.uk" {...plain} />
      </Field>
      <Field label="Client" {...(kind === "address" ? { note: "asks whether it may send there" } : {})}>
        <input name="client" required={kind === "session"} placeholder="192.0.2.1" {...plain} />
      </Field>
      {kind === "address" ? undefined : (
        <Field label="HELO">
          <input name="helo" placeholder="hello.com" {...plain} />
        </Field>
      )}
    </div>
  )
}

function Hint({ kind }: { kind: Kind }) {
  const says = {
    address:
      "Type an address to see its aliases, .forward files, mailer and host, each with the line that decided.",
    session: "Name a client, a sender and recipients to see each reply that the client would hear, and why.",
    message: "Paste a message to see its session, its way, and how its header would be rewritten.",
  }
  return <Empty says={says[kind]} />
}

function Answer({ answer: { explained, session, header } }: { answer: ExplainAnswer }) {
  return (
    <div role="region" aria-label="Answer" aria-live="polite">
      {session.length === 0 ? undefined : <Rehearsed steps={session} />}
      {explained.map((one, n) => (
        <Explained key={n} explained={one} rehearsed={session.length > 0} />
      ))}
      {header.length === 0 ? undefined : <Rewritten header={header} />}
    </div>
  )
}
