// Keys that reach beyond the folder: saving, pipes, another folder.
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { contentOf, safeName } from "../content.ts"
import { saveMessage } from "../save.ts"
import type { App } from "./app.ts"
import { about, current, marked } from "./state.ts"

/** Saves: a part of the open message by its number, else whole messages to a file, which then leave the list. */
export async function save(app: App, rest: string): Promise<void> {
  const key = app.state.sheet?.key
  const octets = key === undefined ? undefined : await app.read(key)
  const parts = octets === undefined ? [] : (await contentOf(octets)).parts
  const answer =
    rest === ""
      ? await app.ask(parts.length > 0 ? `Part (1-${parts.length}), or file for the message: ` : "Save to: ")
      : rest
  if (answer === undefined || answer.trim() === "") return
  const part = /^\d+$/.test(answer) ? parts[Number(answer) - 1] : undefined
  if (part !== undefined) return savePart(app, part.name, part.octets)
  const path = absolute(app, answer.trim())
  const keys = key === undefined ? about(app.state) : [key]
  for (const one of keys) {
    const listed = app.state.messages.find((message) => message.key === one)
    const whole = await app.read(one)
    if (listed !== undefined && whole !== undefined) await saveMessage(path, whole, listed)
  }
  app.set(marked(app.state, keys, (flags) => ({ ...flags, deleted: true })))
  app.note(`Saved ${keys.length} to ${path}; they leave this folder at quit (z takes that back)`)
}

function savePart(app: App, name: string, octets: Buffer): void {
  const plain = safeName(name) || "part"
  let path = join(app.io.cwd, plain)
  for (let n = 1; existsSync(path); n++) path = join(app.io.cwd, `${plain}.${n}`)
  writeFileSync(path, octets, { mode: 0o600, flag: "wx" })
  app.note(`Saved ${path}`)
}

function absolute(app: App, path: string): string {
  const home = path
    .replace(/^~(?=\/|$)/, app.io.env["HOME"] ?? "~")
    .replace(/^=/, `${app.io.env["HOME"] ?? "~"}/Mail/`)
  return home.startsWith("/") ? home : join(app.io.cwd, home)
}

/** Gives the raw message to a command, which has the terminal meanwhile. */
export async function pipe(app: App, rest: string): Promise<void> {
  const key = app.state.sheet?.key ?? current(app.state)?.key
  const octets = key === undefined ? undefined : await app.read(key)
  const command = octets === undefined ? undefined : rest === "" ? await app.ask("Pipe to: ") : rest
  if (octets === undefined || command === undefined || command === "") return
  const { spawnSync } = await import("node:child_process")
  const ended = await app.screen.lend(async () =>
    spawnSync("/bin/sh", ["-c", command], {
      input: octets,
      stdio: ["pipe", "inherit", "inherit"],
      cwd: app.io.cwd,
    }),
  )
  app.note(`${command} ended with ${ended.status ?? ended.signal}`)
}

/** Another folder; what was done in this one is written. */
export async function folder(app: App, rest: string): Promise<void> {
  const path = rest === "" ? await app.ask("Folder: ") : rest
  if (path !== undefined && path.trim() !== "") await app.change(absolute(app, path.trim()))
}
