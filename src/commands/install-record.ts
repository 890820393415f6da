// What `waypost install` has done, written down step by step, so that `waypost uninstall` undoes exactly that and no more.
// It lies outside the state directory: root acts on it, so nobody else may write it.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { exits, Refusal } from "./io.ts"

export type Step =
  | { readonly made: "user"; readonly name: string }
  | { readonly made: "directory"; readonly path: string }
  | { readonly made: "file"; readonly path: string }
  /** `aside` is where what stood there before is kept. */
  | { readonly made: "link"; readonly path: string; readonly to: string; readonly aside: string | undefined }

type Record = { readonly format: 1; readonly steps: readonly Step[] }

/** The record's path on the machine under `root`. */
export function recordPath(root: string): string {
  return join(root, "var/lib/waypost.installed")
}

/** The steps that were done, in order; none when nothing is installed. */
export function readRecord(root: string): readonly Step[] {
  const path = recordPath(root)
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch {
    return [] // never installed
  }
  try {
    const record = JSON.parse(text) as Partial<Record>
    if (record.format === 1 && Array.isArray(record.steps)) return record.steps
  } catch {
    // said below
  }
  throw new Refusal(`${path} is damaged: undo the installation by hand, then remove that file`, exits.config)
}

/** Keeps the steps; none left removes the record. */
export function writeRecord(root: string, steps: readonly Step[]): void {
  const path = recordPath(root)
  if (steps.length === 0) return rmSync(path, { force: true })
  const record: Record = { format: 1, steps }
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.new`, `${JSON.stringify(record, undefined, 2)}\n`)
  renameSync(`${path}.new`, path)
}
