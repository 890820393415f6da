// The rows of the table of steps in docs/spool.md.
import { readFileSync } from "node:fs"

export type StepRow = {
  readonly step: string
  readonly happened: string
  readonly leaves: string
  readonly healed: string
}

/** Reads the one table whose first column is headed `step`. */
export function readStepTable(path: URL): readonly StepRow[] {
  const lines = readFileSync(path, "utf8").split("\n")
  const head = lines.findIndex((line) => /^\|\s*step\s*\|/.test(line))
  if (head < 0) throw new Error(`${path.pathname} has no table of steps`)
  const end = lines.findIndex((line, n) => n > head && !line.startsWith("|"))
  return lines.slice(head + 2, end).map((line) => {
    const [, step = "", happened = "", leaves = "", healed = ""] = line.split("|").map((cell) => cell.trim())
    return { step: step.replaceAll("`", ""), happened, leaves, healed }
  })
}
