// What can be told of a queue.db before SQLite opens it: what SQLite would take for a new database, or quietly leave out.
import { statSync } from "node:fs"
import { join } from "node:path"
import { holdsPages, readWal } from "./wal.ts"

/** The damage, in a few words; undefined when there is none to be seen. */
export function damageAtFirstLook(root: string): string | undefined {
  const path = join(root, "queue.db")
  const size = sizeOf(path)
  if (size === undefined || size === 0)
    return wasThere(root) ? `queue.db is ${size === 0 ? "empty" : "gone"}` : undefined
  const damage = readWal(`${path}-wal`)?.damage
  return damage === undefined ? undefined : `queue.db-wal is damaged: ${damage}`
}

/** A queue's timelines are begun after its database: where they are, it was. */
function wasThere(root: string): boolean {
  return holdsPages(join(root, "queue.db-wal")) || (sizeOf(join(root, "history.db")) ?? 0) > 0
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}
