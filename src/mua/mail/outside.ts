// Other programs that a session starts: pager, editor, shell, pipes.
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { printableLines } from "../printable.ts"
import type { Session } from "./session.ts"

/** Shows text: through the pager when a person looks and it is longer than the screen. */
export async function page(session: Session, text: string): Promise<void> {
  const { terminal, wanted } = session
  const limit = wanted.variables.get("crt")
  const long = text.split("\n").length > (Number(limit) || terminal.height - 1)
  if (!terminal.interactive || !long) terminal.show(text.endsWith("\n") ? text : `${text}\n`)
  else await run(session, wanted.variables.get("PAGER") ?? "less", printableLines(text))
}

/** Runs a command line of the shell with this on its standard input; gives its exit code. */
export async function run(
  session: Session,
  commandLine: string,
  input: string | Buffer | undefined,
): Promise<number> {
  const shell = session.wanted.variables.get("SHELL") ?? "/bin/sh"
  return await session.terminal.lend(async () => {
    const child = spawn(shell, ["-c", commandLine], {
      cwd: session.io.cwd,
      stdio: [input === undefined ? "inherit" : "pipe", "pipe", "inherit"],
      env: process.env,
    })
    child.stdout?.on("data", (octets: Buffer) => session.io.stdout.write(octets))
    if (input !== undefined) {
      child.stdin?.on("error", () => {}) // it need not read all of it
      child.stdin?.end(input)
    }
    return await new Promise<number>((resolve) => {
      child.on("error", (error) => {
        session.terminal.complain(`${commandLine}: ${error.message}`)
        resolve(127)
      })
      child.on("close", (code) => resolve(code ?? 1))
    })
  })
}

/** What a command writes, and whether it ended well. */
export async function outputOf(
  session: Session,
  commandLine: string,
  input: string,
): Promise<{ readonly code: number; readonly output: string }> {
  const shell = session.wanted.variables.get("SHELL") ?? "/bin/sh"
  const child = spawn(shell, ["-c", commandLine], { cwd: session.io.cwd, stdio: ["pipe", "pipe", "inherit"] })
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
  child.stdin.on("error", () => {})
  child.stdin.end(input)
  const code = await new Promise<number>((resolve) => {
    child.on("error", () => resolve(127))
    child.on("close", (ended) => resolve(ended ?? 1))
  })
  return { code, output }
}

/** Lets the person edit text; undefined when the editor failed, and the text is as it was. */
export async function edited(
  session: Session,
  text: string,
  which: "EDITOR" | "VISUAL",
): Promise<string | undefined> {
  const { variables } = session.wanted
  const editor =
    variables.get(which) ??
    variables.get(which === "VISUAL" ? "EDITOR" : "VISUAL") ??
    (which === "VISUAL" ? "vi" : "ed")
  const folder = mkdtempSync(join(tmpdir(), "mail-"))
  const file = join(folder, "letter.txt")
  try {
    writeFileSync(file, text, { mode: 0o600 })
    const code = await session.terminal.lend(
      async () =>
        await new Promise<number>((resolve) => {
          const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "sh", file], {
            cwd: session.io.cwd,
            stdio: "inherit",
          })
          child.on("error", () => resolve(127))
          child.on("close", (ended) => resolve(ended ?? 1))
        }),
    )
    if (code !== 0) session.terminal.complain(`${editor} ended with ${code}: the text is as it was`)
    return code === 0 ? readFileSync(file, "utf8") : undefined
  } finally {
    rmSync(folder, { recursive: true })
  }
}
