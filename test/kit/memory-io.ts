// An Io for tests of commands: what is written is kept, what is read is given as text.
import { Readable, Writable } from "node:stream"
import type { Io } from "../../src/commands/io.ts"
import { join } from "node:path"

export type MemoryIo = Io & { readonly written: { stdout: string; stderr: string } }

/** A command's surroundings: `input` is its standard input; the entry is the one of the sources. */
export function memoryIo(input = "", env: Io["env"] = {}): MemoryIo {
  const written = { stdout: "", stderr: "" }
  return {
    stdin: Readable.from([Buffer.from(input)]),
    stdout: keeper((text) => (written.stdout += text)),
    stderr: keeper((text) => (written.stderr += text)),
    env,
    cwd: process.cwd(),
    entry: join(import.meta.dirname, "../../src/commands/main.ts"),
    written,
  }
}

function keeper(keep: (text: string) => void): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      keep(String(chunk))
      done()
    },
  })
}
