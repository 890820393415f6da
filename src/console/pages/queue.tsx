// What waits: filtered, looked at beforehand, then held, released, removed or retried.
import { useEffect, useState } from "preact/hooks"
import type { QueueFilter, QueueLine, QueuePage as Page } from "../api-queue.ts"
import { ask, useAnswer, useDoing } from "./asking.ts"
import { Empty, Field, Head, Problem, typed, Waiting } from "./parts.tsx"
import { hrefOf, place } from "./place.ts"
import { QueueChangeBox } from "./queue-change.tsx"
import { QueueRow } from "./queue-row.tsx"
import { count } from "./words.ts"

const limit = 100
const filterNames = ["to", "from", "destination", "reason", "older", "state"] as const

/** The page of the queue. */
export function QueuePage() {
  const { query } = place.value
  const filter = filterOf(query)
  const key = query.toString()
  const { value, trouble, busy, again } = useAnswer(key, (signal) =>
    ask("GET /api/queue", { ...withoutIds(filter), limit }, { signal }),
  )
  const more = useMore(value, filter)
  const wanted = filter.ids
  const lines = more.lines.filter(({ id }) => wanted === undefined || wanted.includes(id))
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(wanted))
  useEffect(() => setChosen(new Set(wanted)), [key])
  return (
    <>
      <Head
        name="Queue"
        says={
          value === undefined ? "What waits, why, and until when" : `${count(value.total)} waiting in all`
        }
      >
        <button type="button" onClick={again} disabled={busy}>
          Look again
        </button>
      </Head>
      <Filters filter={filter} />
      <Problem trouble={trouble ?? more.trouble} />
      <QueueChangeBox filter={filter} chosen={chosen} done={again} />
      {value === undefined ? (
        trouble === undefined ? (
          <Waiting what="the queue" />
        ) : undefined
      ) : lines.length === 0 ? (
        <Nothing filtered={key !== ""} total={value.total} />
      ) : (
        <Rows lines={lines} chosen={chosen} choose={setChosen} />
      )}
      {more.cursor === undefined ? undefined : (
        <button type="button" onClick={more.next} disabled={more.busy}>
          More
        </button>
      )}
    </>
  )
}

function filterOf(query: URLSearchParams): QueueFilter {
  const ids = query.get("ids")?.split(",")
  const state = query.get("state")
  const words = filterNames
    .filter((name) => name !== "state")
    .flatMap((name) => (query.get(name) ? [[name, query.get(name) ?? ""]] : []))
  return {
    ...Object.fromEntries(words),
    ...(ids === undefined ? {} : { ids }),
    ...(state === "held" || state === "waiting" ? { state } : {}),
  }
}

// The list is asked for by all but ids: these are chosen from what comes.
function withoutIds(filter: QueueFilter): Omit<QueueFilter, "ids"> {
  const { ids, ...rest } = filter
  return ids === undefined ? filter : rest
}

/** The first page and those that were asked for after it. */
function useMore(first: Page | undefined, filter: QueueFilter) {
  const [later, setLater] = useState<readonly QueueLine[]>([])
  const [cursor, setCursor] = useState<string | undefined>(undefined)
  const { trouble, busy, run } = useDoing<Page>()
  useEffect(() => {
    setLater([])
    setCursor(first?.cursor)
  }, [first])
  const next = (): void =>
    run(async () => {
      const page = await ask("GET /api/queue", {
        ...withoutIds(filter),
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      })
      setLater((before) => [...before, ...page.messages])
      setCursor(page.cursor)
      return page
    })
  return { lines: [...(first?.messages ?? []), ...later], cursor, trouble, busy, next }
}

type Asked = {
  readonly name: "to" | "from" | "destination" | "reason" | "older"
  readonly label: string
  readonly placeholder: string
  readonly pattern?: string
}

/** What is typed; a destination is chosen on the first page, and stands here then. */
const asked: readonly Asked[] = [
  { name: "to", label: "To", placeholder: "address or domain" },
  { name: "from", label: "From", placeholder: "address or domain" },
  { name: "destination", label: "Destination", placeholder: "host" },
  { name: "reason", label: "Last words", placeholder: "timeout, 4.2.2 …" },
  { name: "older", label: "Older than", placeholder: "30m, 4h, 2d", pattern: "\\d+[smhdw]" },
]

function Filters({ filter }: { filter: QueueFilter }) {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const field = typed(event.currentTarget as HTMLFormElement)
    location.hash = hrefOf(
      "queue",
      "",
      Object.fromEntries(filterNames.map((name) => [name, field(name).trim()])),
    )
  }
  return (
    <form
      class="filters"
      role="search"
      aria-label="Which messages"
      onSubmit={submit}
      key={JSON.stringify(filter)}
    >
      {asked.map(({ name, label, placeholder, pattern }) =>
        name === "destination" && filter.destination === undefined ? undefined : (
          <Field key={name} label={label}>
            <input
              name={name}
              defaultValue={filter[name] ?? ""}
              placeholder={placeholder}
              spellcheck={false}
              {...(pattern === undefined ? {} : { pattern })}
            />
          </Field>
        ),
      )}
      <Field label="State">
        <select name="state" defaultValue={filter.state ?? ""}>
          <option value="">any</option>
          <option value="waiting">waiting</option>
          <option value="held">held</option>
        </select>
      </Field>
      <button class="main">Filter</button>
    </form>
  )
}

function Nothing({ filtered, total }: { filtered: boolean; total: number }) {
  if (filtered && total > 0)
    return (
      <Empty says="None of what waits is like that.">
        <p>
          <a href={hrefOf("queue")}>Show all that waits</a>
        </p>
      </Empty>
    )
  return (
    <Empty says="Nothing waits.">
      <p>
        Mail that cannot be delivered at once appears here with its next attempt and the last words of the
        other host. What has left is under <a href={hrefOf("messages")}>Messages</a>.
      </p>
    </Empty>
  )
}

type RowsProps = {
  lines: readonly QueueLine[]
  chosen: ReadonlySet<string>
  choose: (chosen: ReadonlySet<string>) => void
}

function Rows({ lines, chosen, choose }: RowsProps) {
  const now = Date.now()
  const all = lines.every(({ id }) => chosen.has(id))
  const toggle = (id: string): void => {
    const next = new Set(chosen)
    if (!next.delete(id)) next.add(id)
    choose(next)
  }
  return (
    <>
      <label class="choose-all">
        <input
          type="checkbox"
          checked={all}
          onChange={() => choose(all ? new Set() : new Set(lines.map(({ id }) => id)))}
        />{" "}
        Choose all that are shown
      </label>
      <ul class="queue" aria-label="Waiting messages">
        {lines.map((line) => (
          <QueueRow key={line.id} line={line} now={now} chosen={chosen.has(line.id)} toggle={toggle} />
        ))}
      </ul>
    </>
  )
}
