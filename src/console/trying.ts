// A change of a configuration file that is not made: its diff, its problems, and what would be decided otherwise. The running
// system's own code answers, with the new text beside the old.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { defaultMc, defaultSource } from "../config/default.ts"
import type { ConfigIssue, ConfigTried, DiffLine, WhatIf } from "./api-config.ts"
import { type Ask, Refused } from "./asking.ts"
import { diffLines } from "./diff.ts"
import { issueOf, type Known, knownFiles, loadAt, type Place, textOf, versionOf } from "./files.ts"
import { mapIssues } from "./map-issues.ts"

export type Try = { readonly file: string; readonly text: string; readonly addresses: readonly string[] }

/** Addresses that are compared beside those of recorded mail. */
const mostAddresses = 200
/** Recorded decisions that are asked again. */
const mostRecorded = 2000

/** Tries it. `aside` is a folder where the mail process can read the new text. */
export async function tryChange(ask: Ask, asked: Try, place: Place, aside: string): Promise<ConfigTried> {
  const { file, text } = asked
  const now = loadAt(place)
  const known = knownFiles(place, now.settings).find((one) => one.file === file)
  if (known === undefined) throw new Refused(404, `${file} is no file of this configuration`)
  const old = textOf(file)
  if (!old.ok) throw new Refused(403, old.error)
  const diff = diffLines(old.value, text)
  const issues = issuesOf(known, text, place)
  const usable = known.kind === "map" || !issues.some(({ severity }) => severity === "error")
  const whatif = usable
    ? await whatIf(ask, { ...asked, known, diff }, { source: place.source, aside })
    : undefined
  return { file, diff, issues, ...(whatif === undefined ? {} : { whatif }), version: versionOf(old.value) }
}

/** Why a text would not be taken over by a reload: an error that the file does not have already. Undefined: it would be. */
export function whyUnusable({ file, text }: Pick<Try, "file" | "text">, place: Place): string | undefined {
  const known = knownFiles(place, loadAt(place).settings).find((one) => one.file === file)
  if (known === undefined) return undefined
  const errors = (of: string) => issuesOf(known, of, place).filter(({ severity }) => severity === "error")
  const old = textOf(file)
  const before = new Set(old.ok ? errors(old.value).map(({ message }) => message) : [])
  const fresh = errors(text).find(({ message }) => !before.has(message))
  return fresh && [fresh.at, fresh.message].filter((part) => part !== undefined).join(": ")
}

function issuesOf(known: Known, text: string, place: Place): readonly ConfigIssue[] {
  if (known.kind === "map") return mapIssues(known, text)
  return loadAt(place, { file: known.file, text }).issues.map(issueOf)
}

type Question = Try & { readonly known: Known; readonly diff: readonly DiffLine[] }

async function whatIf(
  ask: Ask,
  question: Question,
  { source, aside }: { readonly source: string; readonly aside: string },
): Promise<ConfigTried["whatif"]> {
  const { text, file } = question
  const folder = mkdtempSync(join(aside, "try-"))
  const copy = join(folder, basename(file))
  try {
    writeFileSync(copy, text)
    chmodSync(folder, 0o700)
    const instead = insteadOf(question, source, copy)
    const addresses = addressesOf(question)
    const changed: WhatIf[] = []
    for await (const answer of ask({ verb: "compare", addresses, ...instead })) {
      const one = answer as WhatIf // our own daemon of our own version
      if (one.before !== one.after) changed.push(one)
    }
    const recorded = await replay(ask, instead, changed)
    return { asked: addresses.length + recorded, changed: changed.map((one) => named(one, copy, file)) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the mail system is asked to read in the place of what is there. */
function insteadOf({ known, text }: Question, source: string, copy: string): object {
  switch (known.kind) {
    case "mc":
      return { config: source, text }
    case "map":
      return { maps: { [known.name]: copy } }
    case "class":
      return {
        config: source,
        ...(source === defaultSource ? { text: defaultMc } : {}),
        files: { [known.file]: copy },
      }
  }
}

type Verdict = { readonly says: string; readonly reasons: readonly string[] }

/** What would have become of the mail that came. */
async function replay(ask: Ask, instead: object, changed: WhatIf[]): Promise<number> {
  let asked = 0
  for await (const answer of ask({ verb: "whatif", last: mostRecorded, ...instead })) {
    const { changed: one, summary } = answer as {
      readonly changed?: { readonly text: string; readonly now: Verdict; readonly then: Verdict }
      readonly summary?: { readonly questions: number }
    }
    if (summary !== undefined) asked = summary.questions
    if (one !== undefined)
      changed.push({
        address: one.text,
        before: one.now.says,
        after: one.then.says,
        beforeReasons: one.now.reasons,
        afterReasons: one.then.reasons,
      })
  }
  return asked
}

/** Lines name the file that is meant, not the copy that stood for it. */
function named(one: WhatIf, copy: string, file: string): WhatIf {
  const name = (lines: readonly string[]) => lines.map((line) => line.replaceAll(copy, file))
  return { ...one, beforeReasons: name(one.beforeReasons), afterReasons: name(one.afterReasons) }
}

/** Those that somebody names, and those that the changed lines are about. */
function addressesOf({ addresses, diff, known }: Question): readonly string[] {
  const fromLines = diff.flatMap(({ kind, text }) =>
    kind === "same" ? [] : known.kind === "class" ? memberIn(text) : addressIn(text, known.name),
  )
  return [...new Set([...addresses, ...fromLines])].slice(0, mostAddresses)
}

/** A member of a class is mostly a domain: mail for somebody there. */
function memberIn(line: string): readonly string[] {
  const member = line.trim().split(/\s/)[0] ?? ""
  return member === "" || member.startsWith("#") ? [] : [member.includes(".") ? `someone@${member}` : member]
}

/** A key of a table as an address that it decides about. */
function addressIn(line: string, table: string): readonly string[] {
  const separator = table === "aliases" ? /:/ : /\s/
  const key = (line.split(separator)[0] ?? "").trim().replace(/^(?:To|From|Connect):/i, "")
  if (key === "" || key.startsWith("#") || /^[\d.]+$/.test(key)) return []
  if (table === "aliases") return [key]
  if (table === "mailertable" || table === "domaintable") return [`someone@${key.replace(/^\./, "host.")}`]
  if (key.startsWith("@")) return [`someone${key}`]
  if (key.endsWith("@") || !/[.@]/.test(key)) return [key.replace(/@$/, "")]
  return [key.includes("@") ? key : `someone@${key}`]
}
