// A program run in the checkout for a stage of ./waypost test, its lines shown as they come.
import { spawn } from "node:child_process"
import { join } from "node:path"

export const root = join(import.meta.dirname, "..")

export type Ended = { readonly code: number | null; readonly output: string }

/** Runs a program in the checkout; `show` gets each line as it comes. */
export async function run(
  command: string,
  args: readonly string[],
  show: (line: string) => void,
): Promise<Ended> {
  // A test of this very runner is itself in one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    let begun = ""
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text
      const lines = (begun + text).split("\n")
      begun = lines.pop() ?? ""
      for (const line of lines) show(line)
    })
    stream.on("end", () => {
      if (begun !== "") show(begun)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", resolve)
  })
  return { code, output }
}
