// The steps of a decision, from the API or from lines that the mail system has printed, for the same columns.

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
