// Letters that are being written, each a file from its first line on: a crash, a lost connection or a closed terminal leaves it
// where `D` finds it again.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { namesOf } from "../mail/typing.ts"
import { attachment, type Draft, emptyDraft } from "../letter.ts"
import { stateFolder } from "../places.ts"

/** A letter in its file: header lines, an empty line, the text; attachments by their paths, in `Attach:` lines. */
export type Kept = { readonly path: string; readonly draft: Draft; readonly attach: readonly string[] }

function folder(): string {
  return join(stateFolder(), "drafts")
}

/** Makes the file of a new letter. */
export function keepDraft(draft: Draft, attach: readonly string[], now: number): Kept {
  mkdirSync(folder(), { recursive: true, mode: 0o700 })
  const kept = { path: join(folder(), `${now}-${process.pid}.txt`), draft, attach }
  writeDraft(kept)
  return kept
}

/** Writes it again, whole or not at all. */
export function writeDraft({ path, draft, attach }: Kept): void {
  writeFileSync(`${path}.new`, draftText(draft, attach), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** The letters that wait, the oldest first. */
export function waitingDrafts(): readonly Kept[] {
  let names: string[]
  try {
    names = readdirSync(folder())
  } catch {
    return [] // nothing was ever written
  }
  return names
    .filter((name) => name.endsWith(".txt"))
    .toSorted()
    .map((name) => readDraft(join(folder(), name)))
}

export function dropDraft({ path }: Kept): void {
  rmSync(path, { force: true })
}

/** Reads it as the editor left it. */
export function readDraft(path: string): Kept {
  const text = readFileSync(path, "utf8").replaceAll("\r\n", "\n")
  const blank = /^\n|\n\n/.exec(text)
  const head = blank === null ? text : text.slice(0, blank.index)
  const body = blank === null ? "" : text.slice(blank.index + blank[0].length)
  const lines = head.replaceAll(/\n[ \t]+/g, " ").split("\n")
  const value = (name: string) =>
    lines
      .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      .map((line) => line.slice(name.length + 1).trim())
  const people = (name: string) => value(name).flatMap(namesOf)
  const known = /^(?:from|to|cc|bcc|subject|attach):/i
  return {
    path,
    attach: value("Attach").filter((one) => one !== ""),
    draft: {
      ...emptyDraft,
      from: value("From")[0] || undefined,
      to: people("To"),
      cc: people("Cc"),
      bcc: people("Bcc"),
      subject: value("Subject")[0] ?? "",
      fields: lines.filter((line) => !known.test(line) && /^[!-9;-~]+:/.test(line)),
      text: body,
    },
  }
}

function draftText({ from, to, cc, bcc, subject, fields, text }: Draft, attach: readonly string[]): string {
  const head = [
    ...(from === undefined ? [] : [`From: ${from}`]),
    `To: ${to.join(", ")}`,
    `Cc: ${cc.join(", ")}`,
    `Bcc: ${bcc.join(", ")}`,
    `Subject: ${subject}`,
    ...fields,
    ...attach.map((path) => `Attach: ${path}`),
  ]
  return `${head.join("\n")}\n\n${text}`
}

/** With its attachments read; a file that cannot be read is an error that names it. */
export function complete({ draft, attach }: Kept): Draft {
  return { ...draft, attachments: attach.map((path) => attachment(path, readFileSync(path))) }
}
