// What a delivery costs in the agent and in its client: 10 KiB messages into 100 mailboxes, at several numbers in flight.
// Usage: node bench/agent.ts [maildir|mbox] [MESSAGES]
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connectAgent } from "../src/agent/client.ts"
import { inMemory } from "../src/mail/content.ts"
import { finalMessage, returnPath } from "../src/mailers/final.ts"

const format = process.argv[2] === "mbox" ? "mbox" : "maildir"
const count = Number(process.argv[3] ?? 5000)
const base = mkdtempSync(join(tmpdir(), "waypost-bench-"))
const socket = join(base, "agent.sock")
const main = JSON.stringify(new URL("../src/agent/main.ts", import.meta.url).href)
const script = `import { runAgentProcess } from ${main}; process.exitCode = await runAgentProcess([${JSON.stringify(socket)}, "0"])`
const flags = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=1", "--input-type=module"]
const child = spawn(process.execPath, [...flags, "-e", script], { stdio: "inherit" })
const agent = await connectAgent(socket, 20_000)
const line = `${"x".repeat(70)}\r\n`
const octets = Buffer.from(`Subject: bench\r\n\r\n${line.repeat(142)}`)
const isRoot = process.getuid?.() === 0

/** Milliseconds of CPU of a process and its memory in MiB. */
function usage(pid: number): { cpu: number; rss: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
  return { cpu: (Number(fields[11]) + Number(fields[12])) * 10, rss: rss / 1024 }
}

async function round(inFlight: number, messages: number): Promise<void> {
  let next = 0
  const run = `${Date.now()}`
  const one = async (): Promise<void> => {
    while (next < messages) {
      const n = next++
      const user = n % 100
      const message = finalMessage(inMemory(Buffer.from(octets), 18), {
        start: [returnPath({ reversePath: "null" })],
      })
      const path = join(base, `${format}${user}`)
      if (message.kind !== "whole") throw new Error("10 KiB is whole")
      const ids = isRoot ? { uid: 20_000 + user, gid: 20_000 + user } : { uid: undefined, gid: undefined }
      const owner = { name: `u${user}`, ...ids, home: path }
      const { answer } = await agent.ask(
        {
          verb: "deliver",
          owner,
          mailbox: { format, path: join(path, "mail") },
          sender: "",
          date: Date.now(),
          delivery: `${run}.${n}`,
          repeat: false,
        },
        message.octets,
      )
      if (answer.outcome !== "done") throw new Error(JSON.stringify(answer))
    }
  }
  const before = { own: process.cpuUsage(), agent: usage(child.pid ?? 0), at: performance.now() }
  await Promise.all(Array.from({ length: inFlight }, one))
  const seconds = (performance.now() - before.at) / 1000
  const { user, system } = process.cpuUsage(before.own)
  const agentUsage = usage(child.pid ?? 0)
  const own = (user + system) / 1000 / messages
  const theirs = (agentUsage.cpu - before.agent.cpu) / messages
  process.stdout.write(
    `${format} ×${inFlight}: ${Math.round(messages / seconds)}/s, CPU ms a message: agent ${theirs.toFixed(3)}, client ${own.toFixed(3)}; agent ${agentUsage.rss.toFixed(0)} MiB\n`,
  )
}

for (let user = 0; user < 100; user++) mkdirSync(join(base, `${format}${user}`), { mode: 0o777 })
if (isRoot) spawn("chmod", ["-R", "777", base])
await new Promise((resolve) => setTimeout(resolve, 300))
await round(20, 1000)
for (const inFlight of [1, 20, 100]) await round(inFlight, inFlight === 1 ? count / 5 : count)
agent.close()
child.kill()
rmSync(base, { recursive: true })
