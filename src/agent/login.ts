// Whether a password is that of an account of the machine: PAM's own helper unix_chkpwd(8) is asked, in a process of its own, because
// only root may read /etc/shadow. The password goes through a pipe and is never an argument.
import { spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { setTimeout } from "node:timers/promises"
import type { AgentAnswer } from "./protocol.ts"

const places = ["/usr/sbin/unix_chkpwd", "/sbin/unix_chkpwd"] as const
const patience = 20_000

/** No refusal is sooner: crypt(3) is not asked about who is not there, and its time would tell. */
const soonest = 300

/** done: it is; failed: it is not, or there is no such account; later: that cannot be told now. */
export async function checkLogin(login: string, password: Buffer, asRoot: boolean): Promise<AgentAnswer> {
  const refusals = setTimeout(soonest)
  const answer = await answerTo(login, password, asRoot)
  if (answer.outcome === "failed") await refusals
  return answer
}

function answerTo(login: string, password: Buffer, asRoot: boolean): Promise<AgentAnswer> | AgentAnswer {
  if (!asRoot) return later("accounts of the machine can only be asked about by root")
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(login) || login === "root" || password.includes(0))
    return wrong
  const program = places.find(isThere)
  return program === undefined
    ? later("unix_chkpwd is not installed (libpam-modules-bin)")
    : ask(program, login, password)
}

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // the other place, or none
  }
}

async function ask(program: string, login: string, password: Buffer): Promise<AgentAnswer> {
  const ended = await endOf(program, [login, "nonull"], Buffer.concat([password, Buffer.from([0])]))
  if (typeof ended === "string") return later(ended)
  // Its exit codes are PAM's: PAM_SUCCESS 0, PAM_AUTH_ERR 7, PAM_MAXTRIES 8, PAM_USER_UNKNOWN 10, PAM_ACCT_EXPIRED 13.
  if (ended === 0) return { outcome: "done", status: "2.0.0", text: "the password is right" }
  if (ended === 7 || ended === 8 || ended === 10 || ended === 13) return wrong
  // PAM_AUTHINFO_UNAVAIL 9: no such account, or its password cannot be read.
  if (ended === 9 && (await endOf("getent", ["passwd", login], Buffer.alloc(0))) === 2) return wrong
  return later(`${program} ended with ${ended}`)
}

/** How a program ended that was given this; a text: it did not by itself. */
function endOf(program: string, args: readonly string[], input: Buffer): Promise<number | string> {
  return new Promise((resolve) => {
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }
    const child = spawn(program, args, { env, cwd: "/", stdio: ["pipe", "ignore", "ignore"] })
    const timer = globalThis.setTimeout(() => child.kill("SIGKILL"), patience)
    child.on("error", (error) => resolve(`${program}: ${error.message}`))
    child.on("close", (code) => {
      clearTimeout(timer)
      resolve(code ?? `${program} ended with a signal`)
    })
    child.stdin.on("error", () => {}) // it has ended already; its exit code tells
    child.stdin.end(input)
  })
}

const wrong: AgentAnswer = {
  outcome: "failed",
  status: "5.7.8",
  text: "no such account, or another password",
}

function later(text: string): AgentAnswer {
  return { outcome: "later", status: "4.3.0", text }
}
