// Asking the agent to run our own procmail as the user: its command line, where mail goes that no recipe delivers, and what it tells
// of the steps it took.
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import type { RunRequest } from "../agent/protocol.ts"
import { option } from "../config/options.ts"
import { feature, type MailerDefinition, type Settings } from "../config/settings.ts"
import { because, type Reason } from "../mail/decision.ts"
import type { Account } from "../mail/world.ts"
import { mailboxPath } from "../mailbox/place.ts"
import { type Ending, identityOf } from "./delivery.ts"

/** The path that means ours. */
export const ownProcmail = "[PROCMAIL]"

/** Programs of recipes have TIMEOUT of their own; this is the end of all of them together. */
const timeoutSeconds = 3600
const outputLimit = 16 * 1024

export type ProcmailDelivery = {
  readonly account: Account
  readonly definition: MailerDefinition
  readonly detail: string
  readonly settings: Settings
  /** The state directory: what recipes forward goes to this system. */
  readonly state: string | undefined
}

/** The request, with the user's rights and a clean environment. */
export function procmailRequest({
  account,
  definition,
  detail,
  settings,
  state,
}: ProcmailDelivery): RunRequest {
  const box = lastResort(account, settings)
  const soft = /(?:^|\s)-t(?:\s|$)/.test(definition.args) ? ["-t"] : []
  const entry = process.argv[1] ?? ""
  const program = [process.execPath, entry, "procmail"]
  const args = [...soft, "-Y", "-a", detail, `ORGMAIL=${box}`, `DEFAULT=${box}`]
  const needsGroup = definition.flags.includes("S") && feature(settings, "maildir") === undefined
  const mailboxes = option(settings, "LocalMailboxDirectory")
  return {
    verb: "run",
    owner: identityOf(account),
    command: commandLine([...program, ...args]),
    serve: { command: commandLine([...program, "--serve"]), arguments: args },
    environment: {
      WAYPOST_STEPS: "1",
      WAYPOST_SENDMAIL: ownSendmail(entry),
      ...(state === undefined ? {} : { WAYPOST_STATE: state }),
    },
    directory: account.home,
    timeoutSeconds,
    outputLimit,
    // Whoever may make mailboxes in /var/mail may do so for DEFAULT; a Maildir is in the home.
    ...(needsGroup && mailboxes !== undefined ? { mailboxes } : {}),
  }
}

/** Where FEATURE(maildir) or confLOCAL_MAILBOX_DIR keeps mail. */
function lastResort(account: Account, settings: Settings): string {
  const maildir = feature(settings, "maildir")
  if (maildir !== undefined) return `${mailboxPath(maildir.args[0] || "%h/Maildir", account)}/`
  return `${option(settings, "LocalMailboxDirectory") ?? "/var/mail"}/${account.name}`
}

/** The sendmail beside the build that runs, so that a user's forwards come back to this system. */
function ownSendmail(entry: string): string {
  const beside = join(dirname(entry), "sendmail") // of the copy that root runs when the checkout is closed to users
  return existsSync(beside) ? beside : join(dirname(dirname(dirname(entry))), "bin", "sendmail")
}

function commandLine(words: readonly string[]): string {
  return `exec ${words.map(quoted).join(" ")}`
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/** What procmail printed of its steps is the reason's trail, and its last one what the log says. */
export function withSteps(ending: Ending): Ending {
  const at = ending.text.indexOf("[[")
  const read = at < 0 ? undefined : stepsIn(ending.text.slice(at))
  if (read === undefined) return ending
  const said = ending.text.slice(0, at).trim()
  const last = read.at(-1)?.says
  const text = ending.outcome === "done" ? (last ?? "delivered by procmail") : said
  return { ...ending, text: text === "" ? "procmail failed" : text, steps: read }
}

function stepsIn(text: string): readonly Reason[] | undefined {
  try {
    const rows: unknown = JSON.parse(text)
    return Array.isArray(rows) ? rows.flatMap(stepOf) : undefined
  } catch {
    return undefined // another program's words, or more than is kept of them
  }
}

function stepOf(row: unknown): readonly Reason[] {
  if (!Array.isArray(row)) return []
  const [file, line, says] = row as readonly unknown[]
  if (typeof file !== "string" || typeof line !== "number" || typeof says !== "string") return []
  const at = file === "" ? undefined : { file, line, column: 1 }
  return [because("procmail", says, at)]
}
