// `waypost queue export`: messages as they lie in the queue, octet by octet.
import { closeSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import { reasonOf } from "../host/replace.ts"
import type { Arguments } from "./arguments.ts"
import { Control } from "./control-client.ts"
import { exits, type Io, Refusal } from "./io.ts"
import type { Asked } from "./queue-filter.ts"
import { queuedOf } from "./queue-list.ts"
import { runningState } from "./state.ts"

/** One message to standard output; with --directory each into its own file, ID.eml, that must not be there yet. */
export async function exportMessages(given: Arguments, asked: Asked, io: Io): Promise<number> {
  const control = await Control.open(runningState(given.text("state"), io))
  try {
    const ids: string[] = []
    for await (const answer of control.ask({ verb: "queue", ...asked })) ids.push(queuedOf(answer).entry.id)
    const directory = given.text("directory")
    if (ids.length === 0) throw new Refusal("no message is meant", exits.noUser)
    if (directory === undefined && ids.length > 1)
      throw new Refusal(`${ids.length} messages are meant: name a --directory for their files`, exits.usage)
    for (const id of ids) {
      if (directory === undefined) await toStream(control, id, io)
      else await toFile(control, id, join(directory, `${id}.eml`))
    }
    if (directory !== undefined) io.stdout.write(`${ids.length} written to ${directory}\n`)
    return exits.ok
  } finally {
    control.close()
  }
}

async function* octetsOf(control: Control, id: string): AsyncGenerator<Buffer> {
  for await (const { octets } of control.ask({ verb: "export", id })) {
    if (typeof octets === "string") yield Buffer.from(octets, "base64")
  }
}

async function toStream(control: Control, id: string, io: Io): Promise<void> {
  for await (const piece of octetsOf(control, id)) {
    if (!io.stdout.write(piece)) await new Promise((resolve) => io.stdout.once("drain", resolve))
  }
}

async function toFile(control: Control, id: string, path: string): Promise<void> {
  let file: number
  try {
    file = openSync(path, "wx", 0o600)
  } catch (error) {
    throw new Refusal(`${path}: ${reasonOf(error)}`, exits.cannotCreate)
  }
  try {
    for await (const piece of octetsOf(control, id)) writeSync(file, piece)
  } finally {
    closeSync(file)
  }
}
