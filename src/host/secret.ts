// A secret of this host, kept in a file that nobody else reads: made when it is first asked for.
import { randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { fail, ok, type Result } from "../mail/result.ts"

/** What the file holds; one that is not there is made when `make` is true. The error is one line. */
export function readSecret(path: string, make: boolean): Result<string> {
  try {
    const text = readFileSync(path, "utf8").trim()
    return text.length >= 16 ? ok(text) : fail(`${path}: a secret needs at least 16 characters`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== "ENOENT" || !make) return fail(`${path}: cannot be read (${code ?? String(error)})`)
  }
  const made = randomBytes(32).toString("hex")
  try {
    writeFileSync(path, `${made}\n`, { mode: 0o600, flag: "wx" })
    return ok(made)
  } catch (error) {
    return fail(`${path}: cannot be made (${(error as NodeJS.ErrnoException).code ?? String(error)})`)
  }
}
