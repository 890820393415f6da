// Starting the processes of the system: the same program under another name, with the rights each one is to have.
import { type ChildProcess, spawn } from "node:child_process"

export type Role = "mail" | "agent" | "console"

export type ProcessStart = {
  readonly role: Role
  /** The script that dispatches on the role: this program's own entry. */
  readonly entry: string
  readonly args: readonly string[]
  /** The user to become; undefined: stay who we are. */
  readonly user: string | undefined
}

/**
 * Starts one; undefined when that cannot be done now (no memory, no process to be had). `ended` hears once how it ended, or why it
 * did not begin. One that cannot be told what it is to know is of no use, and is ended. As root both are started through setpriv(1), which gives up rights before our code runs, in all threads there will
 * ever be, and sees to it that none comes back (no_new_privs).
 */
export function startProcess(start: ProcessStart, ended: (how: string) => void): ChildProcess | undefined {
  const child = begin(start)
  if (child instanceof Error) {
    setImmediate(ended, child.message)
    return undefined
  }
  const { pid } = child
  child.on("error", (error) => {
    if (pid !== undefined) child.kill("SIGKILL")
    else if (!isOver) end(error.message)
  })
  let isOver = false
  const end = (how: string) => {
    isOver = true
    ended(how)
  }
  child.once("exit", (code, signal) => end(signal ?? `exit ${code}`))
  return child
}

function begin({ role, entry, args, user }: ProcessStart): ChildProcess | Error {
  const own = [process.execPath, ...nodeFlags(role), entry, "process", role, ...args]
  const [command = process.execPath, ...rest] = [...giveUp(role, user), ...own]
  try {
    return spawn(command, rest, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
      env: { ...process.env, UV_USE_IO_URING: "0" },
    })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** What the agent needs to deliver as users: files of anybody, their ids, and to end what it has started. */
const agentRights = [
  "chown",
  "dac_override",
  "dac_read_search",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
].map((right) => `,+${right}`)

function giveUp(role: Role, user: string | undefined): readonly string[] {
  const always = ["--no-new-privs", "--inh-caps=-all"]
  if (user !== undefined)
    return [
      "setpriv",
      `--reuid=${user}`,
      `--regid=${user}`,
      "--init-groups",
      ...always,
      "--bounding-set=-all",
      "--",
    ]
  return role === "agent" && process.geteuid?.() === 0
    ? ["setpriv", "--clear-groups", ...always, `--bounding-set=-all${agentRights.join("")}`, "--"]
    : []
}

/**
 * What Node is told for this process. The agent holds no message longer than one delivery; small young generations keep memory small,
 * also what lies outside of the heap and is only let go with it: pieces of messages. Collected in parallel they cost a tenth more CPU
 * for each message: there is little to copy, and the threads wait for each other. The mail process gives memory back its own way
 * (`resting.ts`); V8's threads return what it has let go after two seconds.
 */
export function nodeFlags(role: Role): readonly string[] {
  const always = ["--disable-warning=ExperimentalWarning", "--no-parallel-scavenge"]
  return role === "mail"
    ? [...always, "--max-semi-space-size=16", "--no-memory-reducer", "--memory-pool-timeout=2"]
    : [...always, "--max-semi-space-size=1"]
}
