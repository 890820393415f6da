// What processes have used, for the benchmarks, as Linux tells it.
import { readdirSync, readFileSync } from "node:fs"

type Known = { readonly parent: number; readonly ticks: number; readonly threads: number }

/** CPU of a process, its descendants and what they left, in milliseconds (a clock tick is 10). */
export function cpuOf(root: number): number {
  return sumBelow(root, "ticks") * 10
}

/** Threads of a process and its descendants. */
export function threadsBelow(root: number): number {
  return sumBelow(root, "threads")
}

function sumBelow(root: number, what: "ticks" | "threads"): number {
  const all = new Map<number, Known>()
  for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1")
      const words = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      const ticks = words.slice(11, 15).reduce((sum, word) => sum + Number(word), 0)
      all.set(Number(name), { parent: Number(words[1]), ticks, threads: Number(words[17]) })
    } catch {
      continue // it ended meanwhile; its parent has its ticks
    }
  }
  const below = (pid: number): boolean => {
    if (pid === root) return true
    const parent = all.get(pid)?.parent ?? 0
    return parent > 1 && below(parent)
  }
  let sum = 0
  for (const [pid, one] of all) if (below(pid)) sum += one[what]
  return sum
}
