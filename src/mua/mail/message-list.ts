// mailx's message lists: `3`, `1-5`, `.`, `^`, `$`, `*`, `+`, `-`, `ann`, `/subject`, `:new` (POSIX mailx, "Message lists").
import { fail, ok, type Result } from "../../mail/result.ts"
import type { Listed } from "../summary.ts"

/** A message with the number it has on the screen and what has been done to it in this session. */
export type Numbered = {
  readonly number: number
  readonly listed: Listed
  readonly deleted: boolean
}

export type Scene = {
  readonly messages: readonly Numbered[]
  /** The current message's number; 0 when there is none. */
  readonly dot: number
  /** `undelete` is about deleted ones, all others about the rest. */
  readonly about: "live" | "deleted"
  /** Searching by name compares without regard to case and to the display name, too. */
  readonly showName: boolean
}

/** The messages that the words name, in the order named, each once. An error is what to tell the person. */
export function readMessageList(words: readonly string[], scene: Scene): Result<readonly Numbered[]> {
  const found = new Map<number, Numbered>()
  const states = words.filter((word) => /^:[a-z]/.test(word))
  const others = words.filter((word) => !states.includes(word))
  for (const word of others.length === 0 && states.length > 0 ? ["*"] : others) {
    const some = oneWord(word, scene)
    if (!some.ok) return some
    for (const one of some.value) found.set(one.number, one)
  }
  const chosen = [...found.values()].filter(({ listed }) => states.every((state) => hasState(listed, state)))
  if (chosen.length > 0) return ok(chosen)
  return fail(
    states.length > 0 && others.length === 0
      ? `No messages satisfy ${states.join(" ")}`
      : "No applicable messages",
  )
}

function oneWord(word: string, scene: Scene): Result<readonly Numbered[]> {
  const suits = ({ deleted }: Numbered) => deleted === (scene.about === "deleted")
  if (word === "*") return ok(scene.messages.filter(suits))
  const range = /^(\d+|[.^$])-(\d+|[.^$])$/.exec(word)
  if (range !== null) return betweenEnds(range[1] ?? "", range[2] ?? "", scene)
  if (/^\d+$|^[.^$]$/.test(word)) return single(word, scene)
  if (word === "+" || word === "-") return neighbour(word, scene)
  if (word.startsWith("/"))
    return named(word, scene, ({ summary }) => contains(summary.subject, word.slice(1)))
  return named(
    word,
    scene,
    ({ summary: { from } }) => contains(from.address, word) || (scene.showName && contains(from.name, word)),
  )
}

function contains(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase())
}

function named(word: string, scene: Scene, meets: (listed: Listed) => boolean): Result<readonly Numbered[]> {
  const some = scene.messages.filter(
    ({ listed, deleted }) => deleted === (scene.about === "deleted") && meets(listed),
  )
  return some.length > 0 ? ok(some) : fail(`No applicable messages from {${word}}`)
}

function numberOf(word: string, { messages, dot, about }: Scene): number {
  const suits = ({ deleted }: Numbered) => deleted === (about === "deleted")
  if (word === ".") return dot
  if (word === "^") return messages.find(suits)?.number ?? 0
  if (word === "$") return messages.findLast(suits)?.number ?? 0
  return Number(word)
}

function single(word: string, scene: Scene): Result<readonly Numbered[]> {
  const number = numberOf(word, scene)
  const one = scene.messages[number - 1]
  if (one === undefined) return fail(`${word}: Invalid message number`)
  if (one.deleted && scene.about === "live")
    return fail(`${number}: Inappropriate message (it is deleted; u undoes that)`)
  if (!one.deleted && scene.about === "deleted")
    return fail(`${number}: Inappropriate message (it is not deleted)`)
  return ok([one])
}

function betweenEnds(from: string, to: string, scene: Scene): Result<readonly Numbered[]> {
  const [first, last] = [numberOf(from, scene), numberOf(to, scene)]
  if (first < 1 || first > scene.messages.length) return fail(`${from}: Invalid message number`)
  if (last < 1 || last > scene.messages.length) return fail(`${to}: Invalid message number`)
  if (last < first) return fail(`${from}-${to}: the range is backwards`)
  return ok(
    scene.messages.slice(first - 1, last).filter(({ deleted }) => deleted === (scene.about === "deleted")),
  )
}

function neighbour(word: "+" | "-", { messages, dot, about }: Scene): Result<readonly Numbered[]> {
  const suits = ({ number, deleted }: Numbered) =>
    deleted === (about === "deleted") && (word === "+" ? number > dot : number < dot)
  const one = word === "+" ? messages.find(suits) : messages.findLast(suits)
  return one === undefined
    ? fail(word === "+" ? "Referencing beyond last message" : "Referencing before first message")
    : ok([one])
}

function hasState({ flags }: Listed, state: string): boolean {
  switch (state[1]) {
    case "n":
      return flags.recent && !flags.seen
    case "o":
      return !flags.recent
    case "r":
      return flags.seen
    case "u":
      return !flags.seen
    case "a":
      return flags.answered
    case "f":
      return flags.flagged
    case "d":
      return flags.deleted
    default:
      return false
  }
}
