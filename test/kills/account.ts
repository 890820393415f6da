// What a stopped process had said, as an account of what must be there, what must not, and where both are right.
import assert from "node:assert/strict"

type Fate = "no" | "perhaps" | "yes"

export type Owed = {
  readonly id: string
  readonly size: number
  readonly recipients: number
  /** Whether it must be there. */
  present: Fate
  /** Recipients that must have been struck off, and those that may have been. */
  readonly recorded: Set<number>
  readonly served: Set<number>
  held: Fate
  damaged: boolean
  /** Refused: may be there only as long as the refusal was not made good. */
  refused: boolean
}

/** Reads the child's lines. */
export function readAccount(text: string): ReadonlyMap<string, Owed> {
  const owed = new Map<string, Owed>()
  for (const line of text.split("\n")) {
    const [what, ...words] = line.split(" ")
    if (what === "offered") offered(owed, words)
    else if (what === "in") for (const one of owed.values()) if (one.refused) one.present = "no"
    const id = what === "ordering" || what === "ordered" ? words[1] : words[0]
    const one = owed.get(id ?? "")
    if (one !== undefined) happened(one, what ?? "", words)
  }
  return owed
}

function offered(owed: Map<string, Owed>, [id = "", size, recipients]: readonly string[]): void {
  owed.set(id, {
    id,
    size: Number(size),
    recipients: Number(recipients),
    present: "perhaps",
    recorded: new Set(),
    served: new Set(),
    held: "no",
    damaged: false,
    refused: false,
  })
}

function happened(one: Owed, what: string, words: readonly string[]): void {
  const numbers = words.slice(1).map(Number)
  switch (what) {
    case "acknowledged":
      one.present = "yes"
      return
    case "refused":
      one.refused = true
      return
    case "served":
      for (const number of numbers) one.served.add(number)
      if (one.served.size === one.recipients) one.present = "perhaps"
      return
    case "recorded":
      for (const number of numbers) one.recorded.add(number)
      if (one.recorded.size === one.recipients) one.present = "no"
      return
    case "damaging":
      one.damaged = true
      return
    case "ordering":
    case "ordered":
      obeyed(one, words[0] ?? "", what === "ordered")
  }
}

function obeyed(one: Owed, order: string, done: boolean): void {
  if (order === "remove") one.present = done ? "no" : "perhaps"
  if (order === "hold") one.held = done ? "yes" : "perhaps"
  if (order === "release") one.held = done ? "no" : "perhaps"
}

/** Which recipients are left agrees with what was said. */
export function checkRecipients(one: Owed, left: readonly number[]): void {
  for (const number of left)
    assert.ok(!one.recorded.has(number), `${one.id}: ${number} was recorded as served`)
  for (let number = 0; number < one.recipients; number++) {
    if (!one.served.has(number)) assert.ok(left.includes(number), `${one.id}: recipient ${number} is lost`)
  }
}
