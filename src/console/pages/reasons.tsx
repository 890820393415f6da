// Why something was decided, as a small table: which step was asked, what it said, and the line of text that made it say so. Lines
// that the mail system has printed are read back into the same columns.
import type { ComponentChildren } from "preact"

/** A step of a trail, as the mail system tells it. */
export type Step = {
  readonly step: string
  /** yes, no, now (it changed the address), ?? (it could not tell), or nothing. */
  readonly word: string
  readonly says: string
  readonly at: string | undefined
  /** A line about all that follows, not a step. */
  readonly head?: true
}

const words: Readonly<Record<string, string>> = {
  decided: "yes",
  passed: "no",
  refused: "no",
  changed: "now",
  unknown: "??",
  cause: "",
}

/** Steps as the API has them, oldest first. */
export function stepsOf(
  reasons: readonly {
    readonly step: string
    readonly role: string
    readonly says: string
    readonly at?: string | undefined
  }[],
): readonly Step[] {
  return reasons.map(({ step, role, says, at }) =>
    role === "cause"
      ? { step: "", word: "", says: `consulted ${says}`, at }
      : { step, word: words[role] ?? "", says, at },
  )
}

/** A printed line, `local?  yes: it is in class w  /etc/mail/local-host-names:3`, as a step; any other line stands as a head. */
export function readStep(line: string): Step {
  const [, left = line, at] = /^(.*\S) {2,}(\S+:\d+)$/.exec(line) ?? []
  const [, step, word, says] = /^ *(\S.*?) +(yes|no|now|\?\?): +(.*)$/.exec(left) ?? []
  if (step !== undefined && word !== undefined && says !== undefined) return { step, word, says, at }
  const [, cause] = /^ {4,}(consulted .*)$/.exec(left) ?? []
  if (cause !== undefined) return { step: "", word: "", says: cause, at }
  return { step: "", word: "", says: left.trim(), at, head: true }
}

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
