// Whether all is well: what is not stands first, each with what to do, and what there is to copy.
import { useState } from "preact/hooks"
import type { Health } from "../api.ts"
import { Badge, Panel } from "./parts.tsx"
import { many } from "./words.ts"

const words = { ok: "well", warning: "look", bad: "bad", unknown: "unknown" } as const
const ranks = { bad: 0, warning: 1, unknown: 2, ok: 3 } as const

/** The panel of the first page. */
export function HealthPanel({ health }: { health: readonly Health[] }) {
  const troubled = health.filter(({ state }) => state === "bad" || state === "warning").length
  const worstFirst = health.toSorted((a, b) => ranks[a.state] - ranks[b.state])
  return (
    <Panel name="Health" aside={troubled === 0 ? "nothing to do" : `${troubled} to look at`}>
      <ul class="health">
        {worstFirst.map((one) => (
          <Line key={`${one.name} ${one.says}`} health={one} />
        ))}
      </ul>
    </Panel>
  )
}

function Line({ health: { name, state, says, todo, records } }: { health: Health }) {
  return (
    <li>
      <Badge tone={state}>{words[state]}</Badge>
      <div>
        <strong>{name}</strong> <span class="says">{says}</span>
        {todo === undefined ? undefined : <p class="todo">{todo}</p>}
        {records === undefined ? undefined : <Copied lines={records} about={name} />}
      </div>
    </li>
  )
}

/** Lines to copy. A browser that gives no clipboard (http of another host) lets them be selected all the same. */
function Copied({ lines, about }: { lines: readonly string[]; about: string }) {
  const [said, say] = useState("")
  const copy = (): void => {
    navigator.clipboard.writeText(`${lines.join("\n")}\n`).then(
      () => say("copied"),
      () => say("the browser does not let us: select the lines"),
    )
  }
  return (
    <details class="records">
      <summary>{many(lines.length, "record")} to copy into the zone file</summary>
      <pre tabIndex={0} role="region" aria-label={`Records: ${about}`}>
        {lines.join("\n")}
      </pre>
      {"clipboard" in navigator ? (
        <button type="button" class="small" onClick={copy}>
          Copy
        </button>
      ) : undefined}
      <span class="note" role="status">
        {said}
      </span>
    </details>
  )
}
