// Delivery into a program: sendmail's prog mailer (`|command` of aliases and .forward files), and local mailers that are programs
// (procmail, mail.local).
import { mailer } from "../config/settings.ts"
import type { MailerDefinition } from "../config/settings.ts"
import { shownSender } from "../mail/envelope.ts"
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
} from "./delivery.ts"
import { finalMessage, returnPath } from "./final.ts"

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
  const message = finalMessage(content, { start: startFor(definition, entry) })
  return forEachRecipient(delivery, world, async (pending) => {
    const user = await userFor(definition, pending, world)
    if ("ending" in user) return user.ending
    const { account } = user
    const request = {
      verb: "run",
      owner: identityOf(account),
      ...commandFor(definition, pending, { account, entry }),
      environment: { AGENT: "sendmail" },
      directory: account.home,
      timeoutSeconds,
      outputLimit,
    } as const
    return askAgent(world.agent, request, message)
  })
}

// Mailer flags: without `n` the message begins with a From_ line, with `P` it has a Return-Path (sendmail guide, §5.4).
function startFor({ flags }: MailerDefinition, { envelope, acceptedAt }: Entry): Buffer[] {
  const sender = shownSender(envelope) || "MAILER-DAEMON"
  return [
    ...(flags.includes("n") ? [] : [fromLine(sender, acceptedAt)]),
    ...(flags.includes("P") ? [returnPath(envelope)] : []),
  ]
}

/** Local mail is delivered as its recipient, anything else as the user who named the program. */
function userFor({ name }: MailerDefinition, pending: RoutedPending, world: FinalWorld): Promise<UserFound> {
  return name === "prog"
    ? controllingUser(pending, world)
    : findAccount(world.accounts, localName(pending.route.user).user)
}

type Command = { readonly command: string; readonly shell?: string }

/** `sh -c $u` and `smrsh -c $u` take the recipient as a command line; other mailers have their own arguments. */
function commandFor(
  { path, args }: MailerDefinition,
  { route }: RoutedPending,
  from: { readonly account: Account; readonly entry: Entry },
): Command {
  if (/^\S+\s+-c\s+\$u$/.test(args.trim())) {
    return path === "/bin/sh" ? { command: route.user } : { command: route.user, shell: path }
  }
  const { user, detail = "" } = localName(route.user)
  const sender = shownSender(from.entry.envelope) || "MAILER-DAEMON"
  const words: Readonly<Record<string, string>> = {
    u: user,
    h: route.host === "" ? detail : route.host,
    f: sender,
    g: sender,
    z: from.account.home,
  }
  const [, ...given] = args.trim().split(/\s+/)
  return { command: [path, ...given.map((word) => expand(word, words))].map(quoted).join(" ") }
}

function expand(word: string, values: Readonly<Record<string, string>>): string {
  return word.replaceAll(/\$([a-z])/g, (macro, name: string) => values[name] ?? macro)
}

/** One word of a shell's command line, whatever is in it. */
function quoted(word: string): string {
  return /^[\w/.,:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
