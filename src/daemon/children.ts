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
 * Starts one. As root both are started through setpriv(1), which gives up rights before our code runs, in all threads there will
 * ever be, and sees to it that none comes back (no_new_privs).
 */
export function startProcess({ role, entry, args, user }: ProcessStart): ChildProcess {
  const own = [process.execPath, ...flags(role), entry, "process", role, ...args]
  const [command = process.execPath, ...rest] = [...giveUp(role, user), ...own]
  return spawn(command, rest, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
    env: { ...process.env, UV_USE_IO_URING: "0" },
  })
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

// The agent holds no message longer than one delivery; small young generations keep memory small, also what lies outside of the
// heap and is only let go with it: pieces of messages. Collected in parallel they cost a tenth more CPU for each message: there is
// little to copy, and the threads wait for each other.
function flags(role: Role): string[] {
  const megabytes = role === "mail" ? 16 : 1
  return [
    "--disable-warning=ExperimentalWarning",
    `--max-semi-space-size=${megabytes}`,
    "--no-parallel-scavenge",
  ]
}
