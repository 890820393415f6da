// Looks the queue's tables through for damage, in a thread of its own that only reads: what the disk has changed in a place that
// nobody reads would else be found when a message is missed.
import { DatabaseSync } from "node:sqlite"
import { parentPort, workerData } from "node:worker_threads"
import { explainError, isDamage } from "./database.ts"

/** Tables with their indexes. Bodies have checksums of their own, which are compared whenever one is read. */
const tables = ["entry", "pending", "clock", "log"]

/** The damage, in SQLite's words; undefined when there is none. */
export function audit(path: string): string | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 1000 })
    for (const table of tables) {
      const found = database.prepare(`PRAGMA integrity_check('${table}')`).get()?.["integrity_check"]
      if (found !== undefined && found !== "ok") return String(found)
    }
    return undefined
  } catch (error) {
    return isDamage(error) ? explainError(error) : undefined // cannot tell now: it is looked at again tomorrow
  } finally {
    database?.close()
  }
}

const { audited } = (workerData ?? {}) as { readonly audited?: string }
if (parentPort !== null && audited !== undefined) parentPort.postMessage(audit(audited), [])
