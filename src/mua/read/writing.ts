// Writing letters in the reader: the editor, the question what to do with it, the draft that stays until it is sent.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { withStreams } from "../../commands/io.ts"
import { type Draft, forgotAttachment } from "../letter.ts"
import { noWishes, octetsOf, send } from "../send.ts"
import type { App } from "./app.ts"
import { complete, dropDraft, keepDraft, type Kept, readDraft, writeDraft } from "./drafts.ts"

/** Writes a letter and sends it; true when it went out. */
export async function writeLetter(app: App, draft: Draft, attach: readonly string[] = []): Promise<boolean> {
  return await goOn(app, keepDraft(draft, attach, Date.now()))
}

/** Goes on with a letter that is there already: the editor first, then what to do with it. */
export async function goOn(app: App, begun: Kept): Promise<boolean> {
  let kept = await edited(app, begun)
  for (;;) {
    const answer = await app.ask("y send  e edit  a attach  p keep for later  q throw away: ")
    switch (answer?.trim().toLowerCase()) {
      case "y":
        if (await sent(app, kept)) return true
        break
      case "e":
        kept = await edited(app, kept)
        break
      case "a":
        kept = await attached(app, kept)
        break
      case "q":
        dropDraft(kept)
        app.note("Thrown away")
        return false
      case "p":
      case undefined:
        app.note("Kept for later (D goes on with it)")
        return false
      default:
        app.note("y, e, a, p or q")
    }
  }
}

async function edited(app: App, kept: Kept): Promise<Kept> {
  const editor = app.io.env["VISUAL"] || app.io.env["EDITOR"] || "vi"
  app.note("")
  const code = await app.screen.lend(
    async () =>
      await new Promise<number>((resolve) => {
        const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "sh", kept.path], {
          stdio: "inherit",
          cwd: app.io.cwd,
        })
        child.on("error", () => resolve(127))
        child.on("close", (ended) => resolve(ended ?? 1))
      }),
  )
  if (code !== 0) app.note(`${editor} ended with ${code}`)
  return readDraft(kept.path)
}

async function attached(app: App, kept: Kept): Promise<Kept> {
  const path = await app.ask("File to attach: ")
  if (path === undefined || path.trim() === "") return kept
  const named = path.trim().replace(/^~(?=\/)/, app.io.env["HOME"] ?? "~")
  if (!existsSync(named)) {
    app.note(`${named}: no such file`)
    return kept
  }
  const more = { ...kept, attach: [...kept.attach, named] }
  writeDraft(more)
  app.note(`${more.attach.length} attached`)
  return more
}

async function sent(app: App, kept: Kept): Promise<boolean> {
  const { draft } = kept
  if (draft.to.length + draft.cc.length + draft.bcc.length === 0) {
    app.note("To whom? e goes back to the letter")
    return false
  }
  if (forgotAttachment({ ...draft, attachments: [] }) && kept.attach.length === 0) {
    const sure = await app.ask("The text speaks of an attachment, and there is none. Send it so? (y/n) ")
    if (sure?.trim().toLowerCase() !== "y") return false
  }
  let octets: Buffer
  try {
    octets = octetsOf(complete(kept))
  } catch (error) {
    app.note(error instanceof Error ? error.message : String(error))
    return false
  }
  const { code, id, said } = await submit(app, octets, undefined)
  if (code !== 0) {
    app.note(`Not sent (exit ${code})${said === "" ? "" : `: ${said}`}; the letter is kept`)
    return false
  }
  dropDraft(kept)
  app.note(
    id === undefined
      ? "Left for the mail system, which is not running now"
      : `Queued as ${id} (waypost explain ${id})`,
  )
  return true
}

/** Hands octets to the mail system; what is wrong with them comes back as words, not as an end of the reader. */
export async function submit(app: App, octets: Buffer, only: readonly string[] | undefined) {
  const { PassThrough } = await import("node:stream")
  const quiet = new PassThrough().resume() // what a refusal says is in `said`; the screen is ours
  try {
    return await send(octets, { ...noWishes, only }, withStreams(app.io, { stdout: quiet, stderr: quiet }))
  } catch (error) {
    return { code: 69, id: undefined, said: error instanceof Error ? error.message : String(error) }
  }
}
