// Delivery into a program: sendmail's prog mailer (`|command` of aliases and .forward files), and local mailers that are programs
// (procmail, mail.local).
import { option } from "../config/options.ts"
import { feature, mailer, type Settings } from "../config/settings.ts"
import type { MailerDefinition } from "../config/settings.ts"
import { statOf } from "../host/replace.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { Account } from "../mail/world.ts"
import { fromLine } from "../mailbox/from-line.ts"
import type { Entry } from "../queue/entry.ts"
import type { RoutedPending } from "../queue/plan.ts"
import { localName } from "../routing/local-user.ts"
import { controllingUser, type UserFound } from "./controlling-user.ts"
import {
  askAgent,
  type FinalDelivery,
  type FinalWorld,
  findAccount,
  forEachRecipient,
  identityOf,
  senderOf,
} from "./delivery.ts"
import { finalMessage, returnPath } from "./final.ts"
import { ownProcmail, procmailRequest, withSteps } from "./procmail-request.ts"
import { restricted } from "./smrsh.ts"

/** A program that does not end is stopped, and the mail tried again. */
const timeoutSeconds = 900
/** What a program says is kept so far, for the log and for a bounce. */
const outputLimit = 4096

/** Runs the program for each recipient, the message on its standard input. */
export async function deliverPrograms(
  delivery: FinalDelivery,
  world: FinalWorld,
): Promise<readonly DeliveryStatus[]> {
  const { entry, batch, content } = delivery
  const definition = mailer(world.settings, batch.mailer)
  if (definition === undefined)
    throw new Error(`no mailer ${batch.mailer}: delivery.ts asks only for those there are`)
  const message = finalMessage(content, { start: startFor(definition, entry, world.settings) })
  return forEachRecipient(delivery, world, async (pending) => {
    const user = await userFor(definition, pending, world)
    if ("ending" in user) return user.ending
    const { account } = user
    if (definition.path === ownProcmail) {
      const about = {
        account,
        definition,
        detail: detailOf(pending),
        settings: world.settings,
        state: world.state,
      }
      return withSteps(await askAgent(world.agent, procmailRequest(about), message))
    }
    const command = commandFor(definition, pending, { account, entry }, world.settings)
    if (!command.ok) return { outcome: "failed", status: "5.7.1", text: command.error }
    const request = {
      verb: "run",
      owner: identityOf(account),
      ...command.value,
      ...mailboxesFor(definition, world.settings),
      environment: { AGENT: "sendmail" },
      directory: account.home,
      timeoutSeconds,
      outputLimit,
    } as const
    return askAgent(world.agent, request, message)
  })
}

// Mailer flags: without `n` the message begins with a From_ line, with `P` it has a Return-Path (sendmail guide, §5.4).
// procmail would make one of its own, with the two blanks of a mailbox.
function startFor({ flags, path }: MailerDefinition, entry: Entry, settings: Settings): Buffer[] {
  const line = (place: "file" | "mailbox") => fromLine(senderOf(entry, settings), entry.acceptedAt, place)
  const own = flags.includes("n")
  return [
    ...(own && !isProcmail(path) ? [] : [line(own ? "mailbox" : "file")]),
    ...(flags.includes("P") ? [returnPath(entry.envelope)] : []),
  ]
}

/** Local mail is delivered as its recipient, anything else as the user who named the program. */
function userFor({ name }: MailerDefinition, pending: RoutedPending, world: FinalWorld): Promise<UserFound> {
  return name === "prog"
    ? controllingUser(pending, world)
    : findAccount(world.accounts, localName(pending.route.user).user)
}

type Command = { readonly command: string; readonly shell?: string }

/**
 * Mailer flag S: the program is given more rights than its user's, for sendmail those of root. Here it is the group that may
 * make mailboxes, which is all that procmail and its kin need of them.
 */
function mailboxesFor({ flags }: MailerDefinition, settings: Settings): { readonly mailboxes?: string } {
  const directory = option(settings, "LocalMailboxDirectory")
  return flags.includes("S") && directory !== undefined ? { mailboxes: directory } : {}
}

/** `sh -c $u` takes the recipient as a command line, under smrsh's rule if there is one; other mailers have their own arguments. */
function commandFor(
  { path, args }: MailerDefinition,
  pending: RoutedPending,
  from: { readonly account: Account; readonly entry: Entry },
  settings: Settings,
): Result<Command> {
  const { route } = pending
  if (/^\S+\s+-c\s+\$u$/.test(args.trim())) {
    if (feature(settings, "smrsh") !== undefined) return underSmrsh(route.user)
    return ok(path === "/bin/sh" ? { command: route.user } : { command: route.user, shell: path })
  }
  const { user } = localName(route.user)
  const sender = senderOf(from.entry, settings)
  const words: Readonly<Record<string, string>> = {
    u: user,
    h: detailOf(pending),
    f: sender,
    g: sender,
    z: from.account.home,
  }
  const [, ...given] = withoutUser(path, args.trim().split(/\s+/))
  return ok({ command: [path, ...given.map((word) => expand(word, words))].map(quoted).join(" ") })
}

/**
 * `procmail -d $u` is for root, who becomes the user. We are the user already, and to him procmail would answer by writing him as
 * the sender into From_; without -d it takes the From_ line that it is given.
 */
function withoutUser(path: string, words: readonly string[]): readonly string[] {
  if (!isProcmail(path)) return words
  return words.filter(
    (word, n) => !(word === "-d" && words[n + 1] === "$u") && !(word === "$u" && words[n - 1] === "-d"),
  )
}

function isProcmail(path: string): boolean {
  return path === ownProcmail || path.endsWith("/procmail")
}

/** What stands behind the + of the address: `$h` of a local route, or of the user. */
function detailOf({ route }: RoutedPending): string {
  const { detail = "" } = localName(route.user)
  return route.host === "" ? detail : route.host
}

/** Where the systems we know keep the programs that smrsh may run; the first that is there counts. */
const smrshDirectories = ["/etc/mail/smrsh", "/etc/smrsh", "/usr/libexec/sm.bin", "/usr/adm/sm.bin"]

function underSmrsh(command: string): Result<Command> {
  const directory = smrshDirectories.find(isDirectory)
  if (directory === undefined) return fail("smrsh: there is no directory of programs (/etc/mail/smrsh)")
  const allowed = restricted(command, directory, (name) => isProgram(`${directory}/${name}`))
  return allowed.ok ? ok({ command: allowed.value }) : allowed
}

function isDirectory(path: string): boolean {
  return statOf(path)?.isDirectory() === true
}

function isProgram(path: string): boolean {
  const stat = statOf(path)
  return stat?.isFile() === true && (stat.mode & 0o111) !== 0
}

function expand(word: string, values: Readonly<Record<string, string>>): string {
  return word.replaceAll(/\$([a-z])/g, (macro, name: string) => values[name] ?? macro)
}

/** One word of a shell's command line, whatever is in it. */
function quoted(word: string): string {
  return /^[\w/.,:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
