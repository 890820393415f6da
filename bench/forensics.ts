// What judging a trace costs: `node bench/forensics.ts [FOLDER…]`. Messages with headers of 10 KiB, judged in a process that has just
// started and again when it is warm; and 10 MB of each of many hostile headers, and half of it, by the whole command, with its memory.
import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hostile } from "../test/kit/hostile-headers.ts"
import { openCase } from "../src/forensics/case.ts"
import { judge } from "../src/forensics/judgement.ts"

const root = join(import.meta.dirname, "..")

/** A field that pads each header to 10 KiB, as long lists of results and filters' words do. */
const padding = `X-Filter-Report: ${"score=0.1 tests=none,\n\t".repeat(20)}\n`

function messagesOf(folder: string): readonly Buffer[] {
  return readdirSync(folder).map((name) => {
    const text = readFileSync(join(folder, name), "latin1")
    const blank = /\r?\n\r?\n/.exec(text)?.index ?? text.length
    const lacking = Math.max(0, Math.ceil((10_240 - blank) / padding.length))
    return Buffer.from(
      `${text.slice(0, blank)}\n${padding.repeat(lacking).trimEnd()}${text.slice(blank)}`,
      "latin1",
    )
  })
}

/** Messages a second of our own time, thousand after thousand: the first is cold. */
function rates(messages: readonly Buffer[]): readonly number[] {
  return Array.from({ length: 4 }, () => {
    const began = process.cpuUsage()
    for (let n = 0; n < 1000; n++) judge(openCase(messages[n % messages.length] ?? Buffer.alloc(0)))
    const { user, system } = process.cpuUsage(began)
    return Math.round(1e9 / (user + system))
  })
}

// Printed by the command itself when it ends: what it took at most.
const program =
  "process.on('exit',()=>{const u=process.resourceUsage();" +
  "process.stderr.write('\\nused '+u.maxRSS+' '+(u.userCPUTime+u.systemCPUTime)+'\\n')})"
const probe = `data:text/javascript,${encodeURIComponent(program)}`

type Cost = { readonly wall: number; readonly cpu: number; readonly megabytes: number }

/** The cheapest of three runs of the whole command. */
function costOf(file: string): Cost {
  const runs = [1, 2, 3].map((): Cost => {
    const began = performance.now()
    const { stderr } = spawnSync(
      join(root, "bin/waypost"),
      ["forensics", "--receiver", "grussell.org", file],
      {
        env: { ...process.env, NODE_OPTIONS: `--import=${probe}` },
        encoding: "utf8",
        maxBuffer: 1 << 28,
      },
    )
    const used = /\nused (\d+) (\d+)\n/.exec(stderr)
    return {
      wall: performance.now() - began,
      cpu: Number(used?.[2]) / 1000,
      megabytes: Number(used?.[1]) / 1024,
    }
  })
  const least = (key: keyof Cost) => Math.min(...runs.map((run) => run[key]))
  return { wall: least("wall"), cpu: least("cpu"), megabytes: Math.max(...runs.map((run) => run.megabytes)) }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function measureHostile(): void {
  const folder = mkdtempSync(join(tmpdir(), "waypost-forensics-bench-"))
  const file = join(folder, "message")
  const cost = (text: string): Cost => {
    writeFileSync(file, `${text}\nHi\n`, "latin1")
    return costOf(file)
  }
  const small = cost("From: ann@example.org\n")
  say(`${"a small message".padEnd(28)}${line(small)}`)
  for (const [name, make] of Object.entries(hostile)) {
    const half = cost(make(5e6))
    const whole = cost(make(1e7))
    const [first, second] = [half.cpu - small.cpu, whole.cpu - small.cpu]
    // Below that the clock's steps are more than what it measures.
    const ratio = second < 20 ? "" : `  ${(second / Math.max(1, first)).toFixed(2)} × half of it`
    say(`${name.padEnd(28)}${line(whole)}${ratio}`)
  }
  rmSync(folder, { recursive: true })
}

function line({ wall, cpu, megabytes }: Cost): string {
  return `${wall.toFixed(0).padStart(6)} ms ${cpu.toFixed(0).padStart(6)} ms CPU ${megabytes.toFixed(0).padStart(5)} MB`
}

const fixtures = ["honest", "forged"].map((kind) => join(root, "test/fixtures/forensics", kind))
const messages = (process.argv.length > 2 ? process.argv.slice(2) : fixtures).flatMap(messagesOf)
say(
  `messages with headers of 10 KiB, a second of CPU, thousand after thousand: ${rates(messages).join(", ")}`,
)
measureHostile()
