// What an idle session costs: `node bench/idle.ts [SESSIONS …]`. So many clients from 200 addresses say EHLO and then nothing: in clear
// text, in TLS, and in TLS whose keys no quantum computer finds. When the system has tidied up, the memory (PSS) of all its processes
// is compared with that before, and a new client is greeted.
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { connect as connectTls } from "node:tls"
import { freePort } from "../test/kit/system.ts"
import { cpuOf, memoryOf, startWaypost } from "./running.ts"

/** The groups of the key exchange; undefined: in clear text. */
type Way = { readonly name: string; readonly groups: string | undefined }

const ways: readonly Way[] = [
  { name: "clear text", groups: undefined },
  { name: "TLS, X25519", groups: "X25519:P-256" },
  { name: "TLS, X25519MLKEM768", groups: "X25519MLKEM768:X25519:P-256" },
]

/** Clients that come at once; the first that come, whose needs are everybody's; how long the system has to tidy up. */
const atOnce = 20
const first = 200
const restMs = 14_000

const wanted = process.argv.slice(2).map(Number)
for (const count of wanted.length === 0 ? [2000, 4000, 10_000] : wanted)
  for (const way of ways) await measure(way, count)

async function measure(way: Way, count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "waypost-idle-"))
  const port = await freePort()
  mkdirSync(join(folder, "state"))
  writeFileSync(join(folder, "sendmail.mc"), mc(folder, port, way))
  const running = await startWaypost(join(folder, "sendmail.mc"), join(folder, "state"), port)
  const held: Socket[] = []
  try {
    await come(first, held, port, way)
    await pause(restMs)
    const [memory, cpu] = [memoryOf(running), cpuOf(running)]
    await come(count, held, port, way)
    const spent = cpuOf(running) - cpu
    await pause(restMs)
    const each = ((memoryOf(running) - memory) * 1024) / count
    const greeted = await timeToGreet(port)
    process.stdout.write(
      `${way.name}: ${count} idle, ${each.toFixed(1)} KiB PSS each, ${(spent / count).toFixed(2)} ms of CPU to begin one; a new client was greeted in ${greeted.toFixed(0)} ms\n`,
    )
  } finally {
    for (const socket of held) socket.destroy()
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function mc(folder: string, port: number, { groups = "X25519" }: Way): string {
  return `OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`-o ${folder}/aliases')dnl
define(\`confMAX_DAEMON_CHILDREN', \`20000')dnl
define(\`confTO_COMMAND', \`1h')dnl
define(\`confTLS_GROUPS', \`${groups}')dnl
define(\`confSERVER_CERT', \`${folder}/state/tls/cert.pem')dnl
define(\`confSERVER_KEY', \`${folder}/state/tls/key.pem')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=${port}')dnl
FEATURE(\`no_default_msa')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`
}

async function come(count: number, held: Socket[], port: number, way: Way): Promise<void> {
  let left = count
  const oneByOne = async () => {
    while (left-- > 0) held.push(await session(port, way, held.length + left))
  }
  await Promise.all(Array.from({ length: atOnce }, oneByOne))
}

/** A client that has said EHLO, and will say nothing more. */
async function session(port: number, { groups }: Way, number: number): Promise<Socket> {
  const plain = connect({ port, host: "127.0.0.1", localAddress: `127.0.3.${1 + (number % 200)}` })
  await reply(plain)
  await reply(plain, "EHLO pc236b.napier.ac.uk\r\n")
  if (groups === undefined) return plain
  await reply(plain, "STARTTLS\r\n")
  const socket = connectTls({
    socket: plain,
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
    ecdhCurve: groups,
  })
  await once(socket, "secureConnect")
  await reply(socket, "EHLO pc236b.napier.ac.uk\r\n")
  return socket
}

async function reply(socket: Socket, line?: string): Promise<void> {
  if (line !== undefined) socket.write(line)
  let text = ""
  while (!/^\d{3} .*\r\n$/m.test(text)) text += String((await once(socket, "data"))[0])
}

async function timeToGreet(port: number): Promise<number> {
  const began = performance.now()
  const socket = connect(port, "127.0.0.1")
  await reply(socket)
  socket.destroy()
  return performance.now() - began
}
