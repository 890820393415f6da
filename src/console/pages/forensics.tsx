// Is a message what it says? Pasted or chosen by id: the verdict, the route with the trust line, the findings, the marked header.
import { useEffect, useRef, useState } from "preact/hooks"
import type { ForensicFinding, ForensicHop, Forensics, ForensicsAsked } from "../api-forensics.ts"
import { ask, useDoing } from "./asking.ts"
import { MarkedHeader } from "./marked-header.tsx"
import { Badge, Empty, Field, Head, Panel, Problem, type Tone, typed } from "./parts.tsx"
import { place } from "./place.ts"
import { span } from "./words.ts"

/** The page of the examination. */
export function ForensicsPage() {
  const id = place.value.about
  const { value, trouble, busy, run } = useDoing<Forensics>()
  useEffect(() => {
    if (id !== "") run(() => ask("POST /api/forensics", { id }))
  }, [id])
  return (
    <>
      <Head name="Forensics" says="Who really sent it, by which way, and what in the header does not fit." />
      <Choice id={id} busy={busy} run={(asked) => run(() => ask("POST /api/forensics", asked))} />
      <Problem trouble={trouble} />
      {value === undefined ? (
        trouble === undefined ? (
          <Empty says="Paste a message that looks odd. Its header is read line by line, from your own server down to the claims that anybody can write." />
        ) : undefined
      ) : (
        <Examined found={value} />
      )}
    </>
  )
}

type ChoiceProps = {
  readonly id: string
  readonly busy: boolean
  readonly run: (asked: ForensicsAsked) => void
}

function Choice({ id, busy, run }: ChoiceProps) {
  const [from, setFrom] = useState<"paste" | "id">(id === "" ? "paste" : "id")
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const field = typed(event.currentTarget as HTMLFormElement)
    const receiver = field("receiver").trim()
    const about = from === "id" ? { id: field("id").trim() } : { text: field("text") }
    run({ ...about, ...(receiver === "" ? {} : { receiver }) })
  }
  return (
    <form class="ask" onSubmit={submit}>
      <fieldset class="tabs">
        <legend class="unseen">Which message</legend>
        <label>
          <input type="radio" name="which" checked={from === "paste"} onChange={() => setFrom("paste")} />
          <span>Paste one</span>
        </label>
        <label>
          <input type="radio" name="which" checked={from === "id"} onChange={() => setFrom("id")} />
          <span>Choose by id</span>
        </label>
      </fieldset>
      <div class="questions">
        {from === "paste" ? (
          <Field
            label="The message with its whole header"
            note="“Show original” or “View source” of your mail program"
          >
            <textarea name="text" required rows={8} spellcheck={false} class="code" />
          </Field>
        ) : (
          <Field label="Id">
            <input name="id" required defaultValue={id} spellcheck={false} autoCapitalize="off" key={id} />
          </Field>
        )}
        <Field label="Your own server" note="who wrote the topmost Received:; guessed when empty">
          <input name="receiver" placeholder="mail.grussell.org" spellcheck={false} autoCapitalize="off" />
        </Field>
      </div>
      <button class="main" disabled={busy}>
        Examine
      </button>
    </form>
  )
}

const verdicts: Readonly<Record<Forensics["verdict"], Tone>> = {
  genuine: "ok",
  suspicious: "warning",
  forged: "bad",
}

function Examined({ found }: { found: Forensics }) {
  const top = useRef<HTMLDivElement>(null)
  useEffect(() => top.current?.scrollIntoView({ block: "start" }), [found])
  return (
    <div role="region" aria-label="Verdict" ref={top}>
      <p class={`verdict ${verdicts[found.verdict]}`} role="status">
        <strong>{found.verdict}</strong> {withoutVerdict(found)}
      </p>
      <Panel name="Route" aside={<Drawing svg={found.svg} />}>
        <Route found={found} />
      </Panel>
      <Panel name="Findings">
        {found.findings.length === 0 ? (
          <Empty says="Nothing in the header contradicts anything else." />
        ) : (
          <ol class="findings">
            {found.findings.map((finding, n) => (
              <Finding key={n} finding={finding} number={n + 1} />
            ))}
          </ol>
        )}
      </Panel>
      <Panel name="Header, marked" aside="numbers are those of the findings">
        <MarkedHeader header={found.header} findings={found.findings} />
      </Panel>
    </div>
  )
}

/** The sentence begins with the verdict, which stands there already. */
function withoutVerdict({ verdict, sentence }: Forensics): string {
  const begins = sentence.toLowerCase().startsWith(`${verdict}: `)
  return begins ? sentence.slice(verdict.length + 2) : sentence
}

/** The drawing as a file of its own: as an image nothing in it can run. */
function Drawing({ svg }: { svg: string }) {
  return (
    <a href={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`} download="route.svg">
      Drawing (SVG)
    </a>
  )
}

/** From your own server down to the first host that is named: what is above the line was recorded, what is below was claimed. */
function Route({ found: { hops, boundary, receiver } }: { found: Forensics }) {
  if (hops.length === 0) return <Empty says="No Received: field: the message tells nothing of its way." />
  const line = (
    <li class="trust" key="line">
      <span>above: recorded by {receiver ?? "your own server"}</span>
      <span>below: whatever the sender liked to write</span>
    </li>
  )
  return (
    <ol class="route" aria-label="The route, the newest host first">
      {boundary === 0 ? line : undefined}
      {hops.flatMap((hop) => [<Hop key={hop.hop} hop={hop} />, ...(hop.hop === boundary ? [line] : [])])}
    </ol>
  )
}

function Hop({ hop }: { hop: ForensicHop }) {
  const from = [hop.helo, hop.reverse, hop.address === null ? null : `[${hop.address}]`]
  return (
    <li class={hop.believed ? "hop believed" : "hop hearsay"}>
      <p class="hop-name">
        <span class="hop-number">{hop.hop}</span> <strong>{hop.by ?? "does not name itself"}</strong>
        <Badge tone={hop.believed ? "ok" : "unknown"}>{hop.believed ? "believed" : "hearsay"}</Badge>
      </p>
      <p class="says">took it from {from.filter((word) => word !== null).join(", ") || "nobody named"}</p>
      <p class="note">
        {hop.at === null ? "no readable time" : hop.at.replace("T", " ").replace(/\.\d+Z$/, " UTC")}
        {hop.stepSeconds === null ? undefined : <Step seconds={hop.stepSeconds} />} · by{" "}
        {hop.maker === "unknown" ? "unknown software" : hop.maker}
        {hop.id === null ? "" : ` · id ${hop.id}`}
      </p>
    </li>
  )
}

/** How long it was under way to this host; time that runs backwards stands out. */
function Step({ seconds }: { seconds: number }) {
  return (
    <>
      {" · "}
      {seconds < 0 ? (
        <strong class="backwards">{span(seconds * 1000)} before the host below: backwards</strong>
      ) : (
        `${span(seconds * 1000)} after the host below`
      )}
    </>
  )
}

const severities: Readonly<Record<ForensicFinding["severity"], Tone>> = {
  info: "plain",
  low: "unknown",
  medium: "warning",
  high: "bad",
  critical: "bad",
}

function Finding({ finding, number }: { finding: ForensicFinding; number: number }) {
  return (
    <li id={`finding-${number}`}>
      <p>
        <Badge tone={severities[finding.severity]}>{finding.severity}</Badge>{" "}
        <strong>{finding.explanation}</strong>
      </p>
      <p class="says">{finding.why}</p>
      {finding.honest === null ? undefined : <p class="note">An honest reason: {finding.honest}</p>}
      <p class="note">To settle it: {finding.settle}</p>
    </li>
  )
}
