// What happens at this moment: mail in and out, what waits where, what was refused, whether all is well.
import { useEffect, useState } from "preact/hooks"
import type { Live, Now, Refusals } from "../api.ts"
import { ask, useAnswer } from "./asking.ts"
import { HealthPanel } from "./health.tsx"
import { Address, Badge, Empty, Head, Panel, Problem, Time, toneOf, Waiting } from "./parts.tsx"
import { hrefOf } from "./place.ts"
import { readable } from "./readable.ts"
import { QueuePicture } from "./queue-picture.tsx"
import { Traffic } from "./traffic.tsx"
import { count, many, sizeOf } from "./words.ts"

/** Milliseconds between looks at the counts; events come by themselves. */
const lookEvery = 5000
const mostLive = 24

/** The first page. */
export function NowPage() {
  const { value, trouble, again } = useAnswer("now", (signal) => ask("GET /api/now", undefined, { signal }))
  const { events, connected } = useLive()
  useEffect(() => {
    const timer = setInterval(() => document.hidden || again(), lookEvery)
    return () => clearInterval(timer)
  }, [])
  if (value === undefined)
    return trouble === undefined ? (
      <Waiting what="the state of the mail system" />
    ) : (
      <Problem trouble={trouble} />
    )
  return (
    <>
      <Head name="Now" says={`${value.host}: what happens at this moment`} />
      <Problem trouble={trouble} />
      <Counts now={value} />
      <div class="grid">
        <div class="stack">
          <Panel name="The last hour" aside="messages a minute">
            <Traffic minutes={value.minutes} />
          </Panel>
          <RefusalPanel refusals={value.refusals} />
        </div>
        <HealthPanel health={value.health} />
      </div>
      <Panel name="Waiting, by destination and age" aside={many(value.queue.messages, "message")}>
        <QueuePicture ages={value.ages} destinations={value.destinations} counting={value.counting} />
      </Panel>
      <LivePanel events={events} connected={connected} now={value.at} />
    </>
  )
}

function useLive(): { readonly events: readonly Live[]; readonly connected: boolean } {
  const [events, setEvents] = useState<readonly Live[]>([])
  const [connected, setConnected] = useState(false)
  useEffect(() => {
    const source = new EventSource("/api/events")
    source.addEventListener("open", () => setConnected(true))
    source.addEventListener("error", () => setConnected(false)) // the browser tries again by itself
    source.addEventListener("message", ({ data }) => {
      const event = JSON.parse(String(data)) as Live // our own server of our own version
      setEvents((before) => [event, ...before].slice(0, mostLive))
    })
    return () => source.close()
  }, [])
  return { events, connected }
}

function Counts({ now }: { now: Now }) {
  const { queue } = now
  return (
    <dl class="counts">
      <Count name="Taken" n={now.accepted} says="since the start" />
      <Count name="Delivered" n={now.delivered} says="recipients" />
      <Count name="Refused" n={now.refused} says="questions of clients" />
      <Count name="Failed" n={now.failed} says="recipients" />
      <Count
        name="Waiting"
        n={queue.messages}
        says={`${sizeOf(queue.octets)}, ${many(queue.recipients, "recipient")}`}
      />
      <Count name="Held" n={queue.held} says="until they are released" />
    </dl>
  )
}

function Count({ name, n, says }: { name: string; n: number; says: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <strong>{count(n)}</strong>
        <span>{says}</span>
      </dd>
    </div>
  )
}

function RefusalPanel({ refusals }: { refusals: readonly Refusals[] }) {
  const most = Math.max(1, ...refusals.map((one) => one.count))
  return (
    <Panel name="Refused, by reason" aside={<a href={hrefOf("messages", "", { q: "refused" })}>all</a>}>
      {refusals.length === 0 ? (
        <Empty says="Nothing has been refused since the start." />
      ) : (
        <table class="bars">
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col">Asked</th>
              <th scope="col" class="number">
                Times
              </th>
            </tr>
          </thead>
          <tbody>
            {refusals.slice(0, 12).map(({ reason, question, count: times }) => (
              <tr key={`${reason} ${question}`}>
                <th scope="row">
                  {reason}
                  <progress max={most} value={times} aria-hidden="true" />
                </th>
                <td>{question}</td>
                <td class="number">{count(times)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  )
}

function LivePanel({ events, connected, now }: { events: readonly Live[]; connected: boolean; now: number }) {
  const latest = Math.max(now, events[0]?.at ?? 0)
  return (
    <Panel name="Live" aside={connected ? "listening" : "not connected; trying again"}>
      {events.length === 0 ? (
        <Empty says="No mail has moved while this page was open.">
          <p>
            Send some: <code>telnet localhost 25</code>, or <code>waypost queue list</code> to see what waits.
          </p>
        </Empty>
      ) : (
        <ul class="live" aria-label="Events, the newest first">
          {events.map((event, n) => (
            <li key={`${event.at} ${event.id} ${events.length - n}`}>
              <Time at={event.at} now={latest} />
              <Badge tone={toneOf(event.what)}>{event.what}</Badge>
              <a class="address" href={hrefOf("messages", event.id)}>
                {event.address === "" ? event.id : event.address}
              </a>
              <span class="says">{wordsOf(event)}</span>
              {event.sender === undefined ? undefined : (
                <span class="from">
                  from <Address text={event.sender} />
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

/** A message by its subject, a refusal by what was said, all else by where it went. */
function wordsOf({ what, subject, status, detail }: Live): string {
  if (subject !== undefined) return readable(subject)
  return what === "refused" ? status : detail
}
