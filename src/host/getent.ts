// Accounts from the sources beyond /etc/passwd, by getent(1): a directory server that is slow stops neither us nor anybody else.
// Answers are remembered for a while, "no such user" too, so that a flood of guessed names costs few processes.
import { execFile } from "node:child_process"
import type { Account, Found } from "../mail/world.ts"
import { parsePasswdLine } from "./passwd.ts"

const rememberMilliseconds = { entry: 60_000, nothing: 60_000, unavailable: 1000 }
const mostRemembered = 10_000
const mostProcesses = 4
const mostWaiting = 1000
const timeout = 30_000

type Known = { readonly answer: Promise<Found<Account>>; until: number }

const known = new Map<string, Known>()
const waiting: (() => void)[] = []
let running = 0

/** Asks getent for the name as it is, then in lower case; at most four processes at once. */
export function askGetent(name: string): Promise<Found<Account>> {
  if (!/^[\w.][\w.@\\$-]{0,255}$/.test(name)) return Promise.resolve({ found: "nothing" })
  const found = known.get(name)
  if (found !== undefined && found.until > performance.now()) return found.answer
  if (waiting.length >= mostWaiting)
    return Promise.resolve({ found: "unavailable", why: "too many names are being looked up" })
  if (known.size >= mostRemembered) known.clear()
  const answer = look(name)
  const entry: Known = { answer, until: Number.POSITIVE_INFINITY }
  known.set(name, entry)
  void answer.then((value) => {
    entry.until = performance.now() + rememberMilliseconds[value.found]
  })
  return answer
}

async function look(name: string): Promise<Found<Account>> {
  if (running >= mostProcesses) await new Promise<void>((resolve) => waiting.push(resolve))
  running++
  try {
    const asWritten = await getent(name)
    const lower = name.toLowerCase()
    return asWritten.found === "nothing" && lower !== name ? await getent(lower) : asWritten
  } finally {
    running--
    waiting.shift()?.()
  }
}

function getent(name: string): Promise<Found<Account>> {
  return new Promise((resolve) => {
    execFile("getent", ["passwd", "--", name], { timeout }, (error, stdout) =>
      resolve(answerOf(error, stdout)),
    )
  })
}

// getent(1) ends with 2 when no source knows the name.
function answerOf(error: { code?: unknown; message: string } | null, stdout: string): Found<Account> {
  if (error?.code === 2) return { found: "nothing" }
  if (error !== null) return { found: "unavailable", why: `getent: ${error.message.trim()}` }
  const account = parsePasswdLine(stdout.split("\n", 1)[0] ?? "", undefined)
  return account === undefined
    ? { found: "unavailable", why: "getent gave a line that is no account" }
    : { found: "entry", entry: account }
}
