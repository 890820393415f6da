// A user's Sieve script: read with his rights through the agent, compiled once for as long as its text is the same.
import type { Agent } from "../agent/protocol.ts"
import { feature, type Settings } from "../config/settings.ts"
import { type Compiled, compileSieve, type Script } from "../filters/sieve-compile.ts"
import { largestScript } from "../filters/sieve-syntax.ts"
import type { Account } from "../mail/world.ts"
import { mailboxPath } from "../mailbox/place.ts"
import { identityOf } from "./delivery.ts"

export type ScriptFound =
  | { readonly found: "script"; readonly script: Script }
  | { readonly found: "nothing" }
  /** It is there and cannot be run: the mail is kept, and this is said. */
  | { readonly found: "unusable"; readonly why: string }
  /** Cannot tell now: the mail waits. */
  | { readonly found: "unavailable"; readonly why: string }

const compiled = new Map<string, { readonly text: string; readonly result: Compiled }>()
const mostKept = 500

/** The path of the user's own script; undefined when FEATURE(sieve) is not on. */
export function scriptPath(settings: Settings, account: Account): string | undefined {
  const sieve = feature(settings, "sieve")
  return sieve === undefined ? undefined : mailboxPath(sieve.args[0] || "%h/.sieve", account)
}

/** Reads and compiles the script at a path. */
export async function findScript(agent: Agent, account: Account, path: string): Promise<ScriptFound> {
  const anyOwner = !path.startsWith(`${account.home}/`)
  const request = { verb: "read", owner: identityOf(account), path, limit: largestScript, anyOwner } as const
  const { answer, body } = await agent.ask(request, [])
  switch (answer.outcome) {
    case "text":
      return compileKept(path, body.toString("utf8"))
    case "nothing":
      return { found: "nothing" }
    case "unsafe":
      return { found: "unusable", why: `${path}: ${answer.text}` }
    case "later":
    case "failed":
      return { found: "unavailable", why: answer.text }
    case "done":
      throw new Error('the agent answered a question with "done"') // its bug or ours
  }
}

function compileKept(path: string, text: string): ScriptFound {
  const known = compiled.get(path)
  const result = known?.text === text ? known.result : compileSieve(path, text)
  if (known?.text !== text) {
    if (compiled.size >= mostKept) compiled.clear()
    compiled.set(path, { text, result })
  }
  if (result.ok) return { found: "script", script: result.script }
  const [first] = result.issues
  const why = first === undefined ? "no script" : `${path}:${first.line}: ${first.says}`
  return { found: "unusable", why }
}

/** The script that `include` names: beside the user's own, or in the directory of global ones. */
export async function includedScript(
  { agent, settings }: { readonly agent: Agent; readonly settings: Settings },
  account: Account,
  { name, where }: { readonly name: string; readonly where: "personal" | "global" },
): Promise<ScriptFound> {
  if (!/^[\w][\w. -]{0,100}$/.test(name)) return { found: "unusable", why: `"${name}" is no script's name` }
  const global = feature(settings, "sieve")?.args[1]
  if (where === "global" && global === undefined)
    return { found: "unusable", why: "there are no global scripts (the second argument of FEATURE(sieve))" }
  const directory = where === "global" ? (global ?? "") : `${account.home}/sieve`
  return await findScript(agent, account, `${directory}/${name}.sieve`)
}
