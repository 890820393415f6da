// sendmail -bd: starts the mail system in the background and returns when it serves, or with the line that says why not.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { exits, type Io, refuse } from "./io.ts"

/** `argv` are the arguments of `waypost start`. */
export async function startInBackground(argv: readonly string[], io: Io): Promise<number> {
  const child = spawn(
    process.execPath,
    [...process.execArgv, io.entry, "waypost", "start", "--quiet", ...argv],
    {
      cwd: io.cwd,
      env: { ...io.env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    },
  )
  let errors = ""
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4096)
  })
  const ready = new Promise<"ready">((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("ready")) resolve("ready")
    })
  })
  const end = await Promise.race([ready, once(child, "exit")])
  if (end !== "ready") {
    const code = typeof end[0] === "number" ? end[0] : exits.software
    return refuse(io, errors.trimEnd() || `sendmail: the mail system ended at once (${String(end)})`, code)
  }
  // It goes on without us: its log has nobody to read it here, so start it with -bD under a service manager to keep one.
  child.stdout.destroy()
  child.stderr.destroy()
  child.unref()
  return exits.ok
}
