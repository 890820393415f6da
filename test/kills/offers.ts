// Offers messages one after the other, waiting for room when the spool has trouble, and says what became of each.
// node offers.ts DIRECTORY COUNT SIZE; strace makes its disk fail meanwhile.
import { writeSync } from "node:fs"
import { openSpool } from "../../src/spool/sqlite.ts"
import { headerSize, messageOf, octetsOf } from "./message.ts"

const [directory = "", count, size] = process.argv.slice(2)

const log = (line: string) => writeSync(2, `${line}\n`)
const opened = await openSpool({ directory, clock: Date.now, reserveBytes: 0, log })
if (!opened.ok) throw new Error(opened.error)
const spool = opened.value
writeSync(1, "open\n")

for (let n = 0; n < Number(count); n++) {
  const id = `m${String(n).padStart(4, "0")}`
  const octets = octetsOf(id, Number(size))
  while (!spool.room(octets.length).ok) await new Promise((resolve) => setTimeout(resolve, 20))
  const incoming = spool.incoming(id, 0)
  for (let at = headerSize; at < octets.length; at += 50_000)
    await incoming.write(octets.subarray(at, at + 50_000))
  writeSync(1, `offered ${id} ${size} 1\n`)
  const { entry, pending } = messageOf(id, octets.length, 1)
  const done = await incoming.commit(entry, pending, octets.subarray(0, headerSize))
  writeSync(1, done.ok ? `acknowledged ${id}\n` : `refused ${id} ${done.error.full ? "full" : "broken"}\n`)
}
await spool.close()
