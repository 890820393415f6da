// Hold, release, remove, retry: first what it would touch, by number and name, and only then, pressed once more, done.
import { useEffect, useState } from "preact/hooks"
import type { QueueChange, QueueChanged, QueueFilter, QueueVerb } from "../api-queue.ts"
import { ask, useDoing } from "./asking.ts"
import { Problem } from "./parts.tsx"
import { readable } from "./readable.ts"
import { many } from "./words.ts"

type QueueChangeProps = {
  readonly filter: QueueFilter
  readonly chosen: ReadonlySet<string>
  readonly done: () => void
}

type Previewed = { readonly verb: QueueVerb; readonly asked: QueueChange; readonly changed: QueueChanged }

const verbs: readonly {
  readonly verb: QueueVerb
  readonly name: string
  readonly will: string
  readonly did: string
}[] = [
  { verb: "retry", name: "Retry now", will: "will be tried at once", did: "are being tried" },
  { verb: "hold", name: "Hold", will: "will be held until they are released", did: "are held" },
  { verb: "release", name: "Release", will: "will be released and tried", did: "are released" },
  {
    verb: "remove",
    name: "Remove",
    will: "will be removed for good, without a report to their senders",
    did: "are removed",
  },
]

/** The buttons and what they would do. */
export function QueueChangeBox({ filter, chosen, done }: QueueChangeProps) {
  const { value, trouble, busy, run, clear } = useDoing<Previewed>()
  const [because, setBecause] = useState("")
  const meant = meantBy(filter, chosen)
  const key = JSON.stringify(meant)
  useEffect(clear, [key])
  const change = (verb: QueueVerb, preview: boolean): void =>
    run(async () => {
      const asked = { ...meant, preview, ...(verb === "hold" && because !== "" ? { because } : {}) }
      const changed = await ask(`POST /api/queue/${verb}`, asked)
      if (!preview) done()
      return { verb, asked, changed }
    })
  return (
    <section class="change" aria-label="Change what waits">
      <p class="note">{chosen.size > 0 ? `${many(chosen.size, "message")} chosen` : scopeOf(filter)}</p>
      <div class="actions">
        {verbs.map(({ verb, name }) => (
          <button key={verb} type="button" disabled={busy} onClick={() => change(verb, true)}>
            {name} …
          </button>
        ))}
      </div>
      <Problem trouble={trouble} />
      {value === undefined ? undefined : (
        <Preview
          previewed={value}
          because={because}
          setBecause={setBecause}
          confirm={() => change(value.verb, false)}
          leave={clear}
        />
      )}
    </section>
  )
}

function meantBy(filter: QueueFilter, chosen: ReadonlySet<string>): QueueChange {
  if (chosen.size > 0) return { ids: [...chosen] }
  return Object.keys(filter).length === 0 ? { all: true } : filter
}

function scopeOf(filter: QueueFilter): string {
  return Object.keys(filter).length === 0
    ? "Nothing chosen: all of the queue is meant"
    : "Nothing chosen: all that fit the filter are meant"
}

type PreviewProps = {
  readonly previewed: Previewed
  readonly because: string
  readonly setBecause: (words: string) => void
  readonly confirm: () => void
  readonly leave: () => void
}

function Preview({ previewed: { verb, changed }, because, setBecause, confirm, leave }: PreviewProps) {
  const { will, did, name } = verbs.find((one) => one.verb === verb) ?? { will: "", did: "", name: verb }
  const messages = many(changed.count, "message")
  if (changed.done)
    return (
      <p class="done" role="status">
        {messages}: {did}.
      </p>
    )
  if (changed.count === 0)
    return (
      <p class="note" role="status">
        No message is like that: nothing to do.
      </p>
    )
  return (
    <div class="preview" role="group" aria-label={`${name}: look first`}>
      <p role="status">
        <strong>{messages}</strong> {will}:
      </p>
      <ul>
        {changed.messages.slice(0, 8).map(({ id, subject, recipients }) => (
          <li key={id}>
            <code>{id}</code> {subject === "" ? "(no subject)" : readable(subject)}{" "}
            <span class="path">→ {recipients[0]?.address ?? ""}</span>
          </li>
        ))}
      </ul>
      {changed.count > 8 ? <p class="note">and {many(changed.count - 8, "more message")}</p> : undefined}
      {verb === "hold" ? (
        <input
          aria-label="Why they are held"
          placeholder="why (others will read it)"
          value={because}
          onInput={(event) => setBecause(event.currentTarget.value)}
        />
      ) : undefined}
      <div class="actions">
        <button type="button" class={verb === "remove" ? "danger" : "main"} onClick={confirm}>
          {name} {messages}
        </button>
        <button type="button" class="quiet" onClick={leave}>
          Leave them
        </button>
      </div>
    </div>
  )
}
