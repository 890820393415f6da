// One message to an alias of many remote members at one destination: `node bench/recipients.ts [MEMBERS] [ROUNDS]`. Prints for each
// round how long it took from the end of DATA to the last member at the host, and the CPU of our processes. The host answers at
// once and is a process of its own; it asks for nothing but that each RCPT has its reply.
import { spawn, type ChildProcess } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort, handIn, Session } from "../test/kit/system.ts"
import { cpuOf, startWaypost } from "./running.ts"

const [, , first = "10000", second = "5"] = process.argv
if (first === "host") host(Number(second))
else await measure(Number(first), Number(second))

async function measure(members: number, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "waypost-recipients-"))
  const hostPort = await freePort("127.0.0.2")
  const port = await freePort()
  writeFileSync(join(folder, "aliases"), aliases(members))
  writeFileSync(join(folder, "mailertable"), "sink.test\tesmtp:[127.0.0.2]\n")
  writeFileSync(join(folder, "sendmail.mc"), mc(folder, port, hostPort))
  mkdirSync(join(folder, "state"), { recursive: true })
  const peer = spawn(process.execPath, [import.meta.filename, "host", String(hostPort)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  })
  await new Promise((resolve) => peer.once("message", resolve))
  const running = await startWaypost(join(folder, "sendmail.mc"), join(folder, "state"), port)
  try {
    for (let round = 1; round <= rounds; round++) {
      const before = cpuOf(running)
      const arrived = allArrived(peer, members)
      const text = `From: ann@example.org\nSubject: x\n\n${"A line of text.\n".repeat(600)}`
      const system = { connect: async () => await Session.open(port) }
      await handIn(system, { from: "ann@example.org", to: ["biglist@grussell.org"], text })
      const began = performance.now()
      await arrived
      const took = performance.now() - began
      await new Promise((resolve) => setTimeout(resolve, 500)) // what is written afterwards is paid for as well
      process.stdout.write(
        `${took.toFixed(0).padStart(6)} ms to ${members} members, ${cpuOf(running) - before} ms of CPU\n`,
      )
    }
  } finally {
    await running.stop()
    peer.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

function aliases(members: number): string {
  const list = Array.from({ length: members }, (_, n) => `r${n}@sink.test`).join(", ")
  return `postmaster: root\nMAILER-DAEMON: postmaster\nbiglist: ${list}\n`
}

function mc(folder: string, port: number, hostPort: number): string {
  return `OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`${folder}/aliases')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${hostPort}')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`mailertable', \`text ${folder}/mailertable')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=${port}')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`
}

/** Resolves when the host has so many more recipients. */
function allArrived(peer: ChildProcess, members: number): Promise<void> {
  return new Promise((resolve) => {
    let arrived = 0
    const hear = (count: unknown) => {
      arrived += Number(count)
      if (arrived < members) return
      peer.off("message", hear)
      resolve()
    }
    peer.on("message", hear)
  })
}

// The host. Of content it only looks for the end, so that it takes little of the machine that is measured.
function host(port: number): void {
  const server = createServer((socket) => serve(socket))
  server.listen(port, "127.0.0.2", () => process.send?.("listens"))
}

function serve(socket: Socket): void {
  let held = ""
  let recipients = 0
  let content = false
  socket.on("error", () => socket.destroy())
  socket.setNoDelay(true)
  socket.write("220 sink.test ESMTP\r\n")
  socket.on("data", (chunk) => {
    held += chunk.toString("latin1")
    let answers = ""
    for (;;) {
      const mark = content ? "\r\n.\r\n" : "\r\n"
      const end = held.indexOf(mark)
      if (end < 0) break
      const line = content ? "." : held.slice(0, end)
      held = held.slice(end + mark.length)
      if (content) {
        process.send?.(recipients)
        recipients = 0
        content = false
        answers += "250 2.0.0 taken\r\n"
      } else if (line.startsWith("RCPT")) {
        recipients++
        answers += "250 2.1.5 ok\r\n"
      } else if (line === "DATA") {
        content = true
        answers += "354 go on\r\n"
      } else if (line.startsWith("EHLO")) {
        answers += "250-sink.test\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n"
      } else {
        answers += "250 2.0.0 ok\r\n"
      }
    }
    if (answers !== "") socket.write(answers)
  })
}
