// FEATURE(smrsh): programs of aliases and .forward files are only those that the administrator put into one directory, and their
// command lines hold nothing that a shell would take for more (sendmail: smrsh.c). The rule is kept here; /bin/sh runs what is left.
import { fail, ok, type Result } from "../mail/result.ts"

/** Whether the directory has a program of this name that can be run. */
export type HasProgram = (name: string) => boolean

/** What is refused anywhere; `&&` and `||` are the exceptions. */
const special = /[<|>^();&`$\r\n\0]/

/**
 * The command line with each program's path replaced by the directory's. The error is smrsh's own line.
 */
export function restricted(command: string, directory: string, has: HasProgram): Result<string> {
  if (/[\r\n]/.test(command)) return fail("smrsh: cannot use newline in command")
  let out = ""
  let rest = command
  for (;;) {
    const [, blanks = "", word = ""] = /^(\s*)(\S*)/.exec(rest) ?? []
    if (word === "") return out === "" ? fail("smrsh: no command was given") : ok(out)
    rest = rest.slice(blanks.length + word.length)
    const name = word.slice(word.lastIndexOf("/") + 1)
    const program = programFor(name, directory, has)
    if (!program.ok) return program
    out += program.value
    if (name === "exec") {
      out += " "
      continue
    }
    const at = rest.search(special)
    if (at < 0) return ok(out + rest)
    const both = rest.slice(at, at + 2)
    if (both !== "&&" && both !== "||") return fail(`smrsh: cannot use ${rest[at] ?? ""} in command`)
    out += rest.slice(0, at + 2)
    rest = rest.slice(at + 2)
  }
}

/** smrsh lets the shell itself do these three. */
const builtIn: ReadonlySet<string> = new Set(["exec", "exit", "echo"])

function programFor(name: string, directory: string, has: HasProgram): Result<string> {
  if (builtIn.has(name)) return ok(name)
  const bad = special.exec(name)
  if (bad !== null) return fail(`smrsh: cannot use ${bad[0]} in command`)
  if (/^[\w.+-]+$/.test(name) && has(name)) return ok(`${directory}/${name}`)
  return fail(`smrsh: "${name}" not available for sendmail programs (stat failed)`)
}
