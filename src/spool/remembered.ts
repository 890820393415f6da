// What the timelines know of messages that a damaged queue.db has lost without a trace: they were accepted, and had no end.
import { existsSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { printPath } from "../mail/address.ts"
import type { DamagedMessage } from "./requests.ts"
import type { Event } from "./spool.ts"

/** What may be the last that is heard of a message while it waits. */
const unfinished = new Set<Event["what"]>(["accepted", "expanded", "deferred", "held", "released", "retried"])

const lastWords = "SELECT id, json FROM event WHERE seq IN (SELECT max(seq) FROM event GROUP BY id)"
const firstWords = `SELECT json FROM event WHERE id = ? AND instr(json, '"message":{') > 0 ORDER BY seq LIMIT 1`

/** Those that are neither in `known` nor at their end; none when there are no timelines that can be read. */
export function rememberedBeside(path: string, known: ReadonlySet<string>): readonly DamagedMessage[] {
  if (!existsSync(path)) return []
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path)
    const first = database.prepare(firstWords)
    return database
      .prepare(lastWords)
      .all()
      .filter(({ id, json }) => !known.has(String(id)) && unfinished.has(whatOf(json)))
      .map(({ id }) => told(String(id), first.get(id ?? null)?.["json"]))
  } catch {
    return [] // the timelines are damaged too: they are begun anew, and say so
  } finally {
    database?.close()
  }
}

function whatOf(json: unknown): Event["what"] {
  return (JSON.parse(String(json)) as Pick<Event, "what">).what
}

function told(id: string, json: unknown): DamagedMessage {
  const why = "it waited, as far as the timelines know, and nothing of it can be read"
  if (typeof json !== "string") return { id, why, sender: undefined, recipients: [], subject: undefined }
  const { message } = JSON.parse(json) as Pick<Event, "message">
  return {
    id,
    why,
    sender: message === undefined ? undefined : printPath(message.entry.envelope.reversePath),
    recipients: message?.recipients ?? [],
    subject: message?.entry.summary.subject,
  }
}
