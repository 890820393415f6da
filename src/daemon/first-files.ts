// What a system without any configuration needs beside the built-in sendmail.mc: somebody who is postmaster (RFC 5321 §4.5.1).
import { existsSync, writeFileSync } from "node:fs"
import { userInfo } from "node:os"
import { join } from "node:path"
import type { Layout } from "./layout.ts"

/** Writes the aliases that the built-in configuration names, if nobody has: whoever starts the system first is postmaster. */
export function writeFirstFiles({ state }: Layout): void {
  const aliases = join(state, "aliases")
  if (existsSync(aliases)) return
  const text = `# aliases(5): who gets mail for names that are no users. Waypost made this at its first start; it is yours to change.
postmaster: ${userInfo().username}
MAILER-DAEMON: postmaster
`
  writeFileSync(aliases, text, { mode: 0o644 })
}
