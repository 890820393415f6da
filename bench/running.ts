// A whole Waypost for a measure: started from bin/ as shipped, with the CPU and memory of all its processes.
import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")

export type Running = {
  readonly state: string
  readonly port: number
  readonly pid: number
  /** Milliseconds from its start to its greeting. */
  readonly greetedAfter: number
  stop(): Promise<void>
}

/** Starts it, and waits for its greeting. */
export async function startWaypost(config: string, state: string, port: number): Promise<Running> {
  const began = performance.now()
  const child = spawn(
    join(root, "bin/waypost"),
    ["start", "--state", state, "--config", config, "--no-console"],
    { stdio: "ignore" },
  )
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  while (!(await greets(port))) {
    if (child.exitCode !== null) throw new Error("Waypost ended before it greeted")
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const greetedAfter = performance.now() - began
  return {
    state,
    port,
    pid: child.pid ?? 0,
    greetedAfter,
    stop() {
      child.kill("SIGTERM")
      return ended
    },
  }
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("error", () => resolve(false))
    socket.once("data", () => {
      socket.destroy()
      resolve(true)
    })
  })
}

function processesOf({ pid: first }: Running): number[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  const parentOf = (pid: number) => {
    try {
      return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
    } catch {
      return undefined // it ended meanwhile
    }
  }
  const family = new Set([first])
  for (let grown = true; grown; ) {
    const before = family.size
    for (const pid of all) if (family.has(parentOf(pid) ?? -1)) family.add(pid)
    grown = family.size > before
  }
  return [...family]
}

/** Memory of all its processes in MiB, shared pages counted by parts (PSS). */
export function memoryOf(running: Running): number {
  const kibibytes = processesOf(running).map((pid) =>
    Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0),
  )
  return kibibytes.reduce((sum, one) => sum + one, 0) / 1024
}

/** CPU of all its processes in milliseconds (proc(5): utime and stime in ticks of 10 ms). */
export function cpuOf(running: Running): number {
  return processesOf(running).reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")
    return sum + (Number(fields[11]) + Number(fields[12])) * 10
  }, 0)
}
