// Keeps V8's compiled code of the pieces that quick commands need beside them: runs those commands once in the new build.
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { strawSystem } from "./straw.ts"

const letter = 'From: Ann <ann@example.org>\nTo: me, "Jim" <jim@hello.com>\nSubject: a letter\n\nHello.\n'

/** Writes the program's entry into a build that is otherwise complete; the result is why its commands start slower than they could. */
export async function writeEntry(build: string, folder: string): Promise<string | undefined> {
  const loader = readFileSync(join(build, "loader.cjs"), "utf8")
  const pieces = readdirSync(folder).filter((name) => name.endsWith(".cjs"))
  const warming = join(folder, "warm.cjs")
  writeFileSync(warming, named(loader, pieces) + readFileSync(join(build, "warm.cjs"), "utf8"))
  const why = await warm(warming).catch(String)
  rmSync(warming)
  const quick = pieces.filter((name) => existsSync(join(folder, `${name}.compiled`)))
  writeFileSync(join(folder, "waypost.cjs"), `${named(loader, quick)}\nload("./main.cjs").start()\n`)
  return why
}

function named(loader: string, pieces: readonly string[]): string {
  return loader.replace("new Set([])", `new Set(${JSON.stringify(pieces.map((name) => `./${name}`))})`)
}

async function warm(program: string): Promise<undefined> {
  const state = mkdtempSync(join(tmpdir(), "waypost-warm-"))
  try {
    mkdirSync(join(state, "run"))
    writeFileSync(join(state, "letter"), letter)
    writeFileSync(join(state, "table"), "example.org\tRELAY\n")
    writeFileSync(join(state, "aliases"), "postmaster: root\n")
    const system = await strawSystem(join(state, "run/control.sock"), join(state, "run/submit.sock"))
    try {
      await ended(program, state)
    } finally {
      system.close()
    }
  } finally {
    rmSync(state, { recursive: true })
  }
}

/** Runs it with the flags that the launcher gives: V8 takes no code that was compiled under others. */
async function ended(program: string, state: string): Promise<void> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, state], {
    stdio: ["ignore", "ignore", "pipe"],
  })
  let said = ""
  child.stderr.on("data", (chunk) => (said += String(chunk)))
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve))
  if (code !== 0) throw new Error(`the new build's commands do not run:\n${said}`)
}
