// Why something was decided, as a small table: which step was asked, what it said, and the line of text that made it say so.
import type { ComponentChildren } from "preact"
import { readStep, type Step } from "./steps.ts"

/** Lines of why, in columns. */
export function Reasons({ lines }: { lines: readonly string[] }) {
  return <Steps steps={lines.map(readStep)} />
}

/** Steps, in columns. */
export function Steps({ steps }: { steps: readonly Step[] }) {
  if (steps.length === 0) return <></>
  return (
    <ol class="reasons">
      {steps.map(({ step, word, says, at, head }, n) => (
        <li key={n} class={head === true ? "reasons-head" : `word-${wordClass[word] ?? "none"}`}>
          {head === true ? undefined : (
            <>
              <span class="step">{step}</span> <span class="word">{word}</span>{" "}
            </>
          )}
          <span>
            {withPlaces(says)}
            {at === undefined ? undefined : (
              <>
                {" "}
                <code class="place">{at}</code>
              </>
            )}
          </span>
        </li>
      ))}
    </ol>
  )
}

const wordClass: Readonly<Record<string, string>> = { yes: "yes", no: "no", now: "now", "??": "unknown" }

const fileAndLine = /([^\s()"]*[\w.-][\w-]:\d+)(?=$|[\s,;)])/

/** A line with its file:line marked. */
export function withPlaces(line: string): ComponentChildren {
  const parts = line.split(fileAndLine)
  return parts.map((part, n) =>
    n % 2 === 1 ? (
      <code key={n} class="place">
        {part}
      </code>
    ) : (
      part
    ),
  )
}
