// Whether a password is that of an account of the machine: PAM's own helper unix_chkpwd(8) is asked, in a process of its own, because
// only root may read /etc/shadow. The password goes through a pipe and is never an argument.
import { spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import type { AgentAnswer } from "./protocol.ts"

const places = ["/usr/sbin/unix_chkpwd", "/sbin/unix_chkpwd"] as const
const patience = 20_000

/** done: it is; failed: it is not, or there is no such account; later: that cannot be told now. */
export function checkLogin(login: string, password: Buffer, asRoot: boolean): Promise<AgentAnswer> {
  if (!asRoot) return Promise.resolve(later("accounts of the machine can only be asked about by root"))
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(login) || login === "root" || password.includes(0))
    return Promise.resolve(wrong)
  const program = places.find(isThere)
  if (program === undefined)
    return Promise.resolve(later("unix_chkpwd is not installed (libpam-modules-bin)"))
  return ask(program, login, password)
}

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // the other place, or none
  }
}

function ask(program: string, login: string, password: Buffer): Promise<AgentAnswer> {
  return new Promise((resolve) => {
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }
    const child = spawn(program, [login, "nonull"], { env, cwd: "/", stdio: ["pipe", "ignore", "ignore"] })
    const timer = setTimeout(() => child.kill("SIGKILL"), patience)
    child.on("error", (error) => resolve(later(`${program}: ${error.message}`)))
    child.on("close", (code) => {
      clearTimeout(timer)
      resolve(answerOf(code, program))
    })
    child.stdin.on("error", () => {}) // it has ended already; its exit code tells
    child.stdin.end(Buffer.concat([password, Buffer.from([0])]))
  })
}

// Its exit codes are PAM's: PAM_SUCCESS 0, PAM_AUTH_ERR 7, PAM_USER_UNKNOWN 10, PAM_MAXTRIES 8, PAM_ACCT_EXPIRED 13.
function answerOf(code: number | null, program: string): AgentAnswer {
  if (code === 0) return { outcome: "done", status: "2.0.0", text: "the password is right" }
  if (code === 7 || code === 8 || code === 10 || code === 13) return wrong
  return later(`${program} ended with ${code ?? "a signal"}`)
}

const wrong: AgentAnswer = {
  outcome: "failed",
  status: "5.7.8",
  text: "no such account, or another password",
}

function later(text: string): AgentAnswer {
  return { outcome: "later", status: "4.3.0", text }
}
