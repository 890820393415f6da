// What commands ask about reports to other domains: what would be told to whom, and to tell it now.
import type { Answer, Verb } from "./control.ts"

/** Reports of one kind. */
export type ReportsWorld = {
  readonly drafts: () => AsyncIterable<unknown>
  /** Sends what is due; how many wait for DNS or the queue. Each line of the log is told as well. */
  readonly send: (tell: (line: string) => void) => Promise<number>
}

/** The verbs; `trusted` makes one that is for root and the owner of the system. */
export function reportVerbs(
  kind: "dmarc" | "tls",
  world: ReportsWorld,
  trusted: (verb: Verb) => Verb,
): readonly (readonly [string, Verb])[] {
  return [
    [`${kind} drafts`, trusted(() => drafts(world))],
    [`${kind} send`, trusted(() => send(world))],
  ]
}

async function* drafts(world: ReportsWorld): AsyncIterable<Answer> {
  for await (const draft of world.drafts()) yield { draft }
}

async function* send(world: ReportsWorld): AsyncIterable<Answer> {
  const lines: string[] = []
  const waiting = await world.send((line) => lines.push(line))
  for (const line of lines) yield { line }
  yield { waiting }
}
