// `waypost queue summary`: recipients by destination and age, as Postfix's qshape shows them.
import { ages, type Shape, total } from "../queue/summary.ts"
import type { Arguments } from "./arguments.ts"
import { type Answer, ask } from "./control-client.ts"
import { exits, type Io } from "./io.ts"
import type { Asked } from "./queue-filter.ts"
import { runningState } from "./state.ts"

/** Prints the table, the fullest destination first. */
export async function summarise(given: Arguments, asked: Asked, io: Io): Promise<number> {
  const shapes: Shape[] = []
  for await (const answer of ask(runningState(given.text("state"), io), { verb: "summary", ...asked }))
    shapes.push(shapeOf(answer))
  if (given.has("json")) for (const shape of shapes) io.stdout.write(`${JSON.stringify(asObject(shape))}\n`)
  else io.stdout.write(table(shapes))
  return exits.ok
}

/** Our own daemon of our own version answers: a look at the shape is enough. */
function shapeOf({ shape }: Answer): Shape {
  if (typeof shape !== "object" || shape === null || !("destination" in shape) || !("counts" in shape))
    throw new Error(`not a shape: ${JSON.stringify(shape)}`)
  return shape as Shape
}

function asObject({ destination, counts }: Shape): object {
  const columns = counts.map((count, n) => [ages[n] === undefined ? "older" : `under ${ages[n]} min`, count])
  return { destination, total: total(counts), ...Object.fromEntries(columns) }
}

function table(shapes: readonly Shape[]): string {
  const titles = ["T", ...ages.map(String), `${ages.at(-1)}+`]
  const all = ages.map((_, n) => total(shapes.map(({ counts }) => counts[n] ?? 0)))
  const older = total(shapes.map(({ counts }) => counts[ages.length] ?? 0))
  const rows = [{ destination: "TOTAL", counts: [...all, older] }, ...shapes]
  const width = Math.max(...rows.map(({ destination }) => destination.length))
  const line = (name: string, cells: readonly (string | number)[]) =>
    `${name.padStart(width)} ${cells.map((cell) => String(cell).padStart(6)).join("")}\n`
  return (
    line("", titles) +
    rows.map(({ destination, counts }) => line(destination, [total(counts), ...counts])).join("")
  )
}
