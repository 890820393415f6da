// Large bodies, one file each under bodies/, and damaged ones under damaged/. A file counts only when a row names it: what a
// crash left without one is garbage.
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, unlinkSync, writeSync } from "node:fs"
import { join } from "node:path"
import { step } from "./steps.ts"

/** Octets up to which a body lives in a row. */
export const largestInRow = 64 * 1024

export type Folders = {
  readonly root: string
  readonly bodies: string
  readonly damaged: string
  readonly log: string
}

export function foldersOf(directory: string): Folders {
  return {
    root: directory,
    bodies: join(directory, "bodies"),
    damaged: join(directory, "damaged"),
    log: join(directory, "log"),
  }
}

/** Queue ids are file names: nothing else may become one. */
export function isId(id: string): boolean {
  return /^[0-9A-Za-z]{1,64}$/.test(id)
}

export function bodyPath(folders: Folders, id: string): string {
  return join(folders.bodies, id)
}

/** Makes the names in a folder durable. */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r")
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** Its row is gone for good: so may its file. A crash before leaves garbage for the next start. */
export function removeBodyFile(folders: Folders, id: string): void {
  try {
    unlinkSync(bodyPath(folders, id))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
  }
  step("remove.unlinked")
}

/** Removes what no row names. The number of files removed. `named` reads all rows: an index that is damaged costs no file. */
export function sweepBodies(
  folders: Folders,
  rows: { readonly has: (id: string) => boolean; readonly named: () => ReadonlySet<string> },
): number {
  const strays = readdirSync(folders.bodies).filter((name) => !rows.has(name))
  if (strays.length === 0) return 0
  const named = rows.named()
  let removed = 0
  for (const name of strays) {
    if (named.has(name)) continue
    unlinkSync(join(folders.bodies, name))
    removed++
  }
  return removed
}

/** Moves the file of a damaged body to where its operator finds it; false when there is none. */
export function setAsideFile(folders: Folders, id: string): boolean {
  try {
    renameSync(bodyPath(folders, id), join(folders.damaged, id))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false
    throw error
  }
  syncFolder(folders.damaged)
  syncFolder(folders.bodies)
  step("damaged.copied")
  return true
}

/** Writes what is left of a damaged row beside; `ending` tells its entry from its octets. */
export function setAsideOctets(folders: Folders, id: string, ending: string, octets: Uint8Array): void {
  const file = openSync(join(folders.damaged, `${id}${ending}`), "w", 0o600)
  try {
    for (let written = 0; written < octets.length; ) written += writeSync(file, octets, written)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  syncFolder(folders.damaged)
  step("damaged.copied")
}
