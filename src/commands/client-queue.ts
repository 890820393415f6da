// Leaving mail in the client queue: for a mail system that does not run now, or that is to send it at a later queue run.
import { closeSync, constants, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs"
import { join } from "node:path"
import { layoutOf } from "../daemon/layout.ts"
import { makeIds, someRun } from "../daemon/ids.ts"
import { reasonOf } from "../host/replace.ts"
import { type ClientFile, printClientFile } from "../queue/client-file.ts"
import { exits, Refusal } from "./io.ts"

/** Writes it down: it is safe when this resolves. The result is its id. */
export async function keepForLater(
  state: string,
  file: Omit<ClientFile, "size">,
  content: AsyncIterable<Buffer>,
): Promise<string> {
  const directory = layoutOf(state).clientQueue
  const pieces: Buffer[] = []
  for await (const piece of content) pieces.push(piece)
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const id = makeIds(Date.now, someRun())()
  write(directory, id, [printClientFile({ ...file, size }), ...pieces])
  return id
}

/** Aside, synced, renamed: who looks sees all of it or nothing. Its group is the directory's, so that the mail system can read it. */
function write(directory: string, id: string, pieces: readonly Buffer[]): void {
  const aside = join(directory, `new.${id}`)
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const mask = process.umask(0o007)
  try {
    const handle = openSync(aside, flags, 0o640)
    try {
      for (const piece of pieces) writeAll(handle, piece)
      fsyncSync(handle)
      renameSync(aside, join(directory, id))
      // Its new name, too: the directory itself we may not open (nobody reads it), but the file's journal entry has it.
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  } catch (error) {
    remove(aside)
    const why =
      (error as NodeJS.ErrnoException).code === "ENOENT"
        ? "no mail system was ever started there"
        : reasonOf(error)
    throw new Refusal(`the mail was not sent, and could not be kept: ${directory}: ${why}`, exits.tryAgain)
  } finally {
    process.umask(mask)
  }
}

function writeAll(handle: number, piece: Buffer): void {
  for (let done = 0; done < piece.length; ) done += writeSync(handle, piece, done)
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // it was never made
  }
}
