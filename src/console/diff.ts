// Two texts compared line by line: the longest common lines stay, the rest goes or comes.
import type { DiffLine } from "./api-config.ts"

/** Cells of the table of comparisons; what differs in more is told as gone and come as a whole. */
const mostCells = 4_000_000

export function diffLines(before: string, after: string): readonly DiffLine[] {
  const [a, b] = [linesOf(before), linesOf(after)]
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const steps = [
    ...a.slice(0, start).map(() => "same" as const),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map(() => "same" as const),
  ]
  let [i, j] = [0, 0]
  return steps.map((kind): DiffLine => {
    if (kind === "removed") return { kind, text: a[i++] ?? "", before: i }
    if (kind === "added") return { kind, text: b[j++] ?? "", after: j }
    i++
    return { kind, text: b[j++] ?? "", before: i, after: j }
  })
}

function linesOf(text: string): readonly string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n")
}

function middle(a: readonly string[], b: readonly string[]): readonly DiffLine["kind"][] {
  const whole = [...a.map(() => "removed" as const), ...b.map(() => "added" as const)]
  if (a.length === 0 || b.length === 0 || a.length * b.length > mostCells) return whole
  const width = b.length + 1
  const longest = new Uint32Array((a.length + 1) * width) // of the lines from here on, how many are common
  const at = (i: number, j: number) => longest[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const steps: DiffLine["kind"][] = []
  for (let [i, j] = [0, 0]; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      steps.push("same")
      i++
      j++
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      steps.push("removed")
      i++
    } else {
      steps.push("added")
      j++
    }
  }
  return steps
}
