// Sending from a pipe or a terminal: `mail -s x -a file u@h < body`. What cron and scripts call; nothing is loaded that they do not need.
import { existsSync, readFileSync, statSync } from "node:fs"
import { exits, inputOf, type Io, isTerminal, print, Refusal } from "../../commands/io.ts"
import { type Attachment, attachment, type Draft, emptyDraft } from "../letter.ts"
import { octetsOf, sendBy } from "../send.ts"
import type { MailOptions } from "./options.ts"
import { ownRc } from "./place.ts"
import type { Session } from "./session.ts"

/** Sends one letter; the exit code is sendmail's. */
export async function sendMail(options: MailOptions, io: Io): Promise<number> {
  const begun = draftOf(options)
  const session = await wishesOf(options, io)
  const draft = await withText(begun, options, session, io)
  if (draft === undefined) return exits.ok
  if (draft.text === "" && options.skipEmpty && draft.attachments.length === 0) return exits.ok
  const octets = octetsOf(draft)
  if (options.dryRun) return show(draft, octets, options, io)
  const wishes = { verbose: options.verbose, sender: options.sender, only: undefined }
  const ways = session === undefined ? undefined : await import("./sent.ts")
  const sent = await sendBy(session && ways?.programOf(session), octets, wishes, io)
  if (session !== undefined && sent.code === exits.ok) ways?.record(draft, session)
  if (options.json) print(io, `${JSON.stringify(sent)}\n`)
  else if (sent.id !== undefined && (options.verbose || isTerminal(io)))
    print(io, `queued as ${sent.id} (waypost explain ${sent.id} tells its way)\n`)
  return sent.code
}

/** What the person wishes in ~/.mailrc; undefined when there is none and nobody to ask, as with most that cron runs. */
async function wishesOf(options: MailOptions, io: Io): Promise<Session | undefined> {
  const files = [...(options.noSystemRc ? [] : ["/etc/mail.rc"]), ownRc(io)]
  if (!isTerminal(io) && options.set.length === 0 && !files.some((file) => existsSync(file))) return undefined
  return await (await import("./reading.ts")).openSession(options, io)
}

async function withText(
  draft: Draft,
  options: MailOptions,
  session: Session | undefined,
  io: Io,
): Promise<Draft | undefined> {
  if (session === undefined) return { ...draft, text: await allOf(io) }
  const text = isTerminal(io) ? await typed(draft, options, session) : { ...draft, text: await allOf(io) }
  if (text === undefined) return undefined
  const { expandAliases } = await import("./variables.ts")
  const named = (list: readonly string[]) => expandAliases(session.wanted, list)
  return {
    ...text,
    to: named(text.to),
    cc: named(text.cc),
    bcc: named(text.bcc),
    from: text.from ?? session.wanted.variables.get("from"),
  }
}

/** --dry-run: what would be handed over. */
function show(draft: Draft, octets: Buffer, { json }: MailOptions, io: Io): number {
  const attachments = draft.attachments.map(({ name, type, octets: part }) => ({
    name,
    type,
    size: part.length,
  }))
  const told = { draft: { ...draft, attachments }, message: octets.toString("utf8") }
  print(io, json ? `${JSON.stringify(told)}\n` : octets)
  return exits.ok
}

function draftOf(options: MailOptions): Draft {
  const names = (list: readonly string[]) =>
    list
      .flatMap((one) => one.split(","))
      .map((one) => one.trim())
      .filter((one) => one !== "")
  return {
    ...emptyDraft,
    from: options.sender,
    to: options.addresses.flatMap((one) => (one.includes("<") ? [one] : names([one]))),
    cc: names(options.cc),
    bcc: names(options.bcc),
    subject: options.subject ?? "",
    fields: options.headers,
    attachments: options.attach.map(attached),
  }
}

function attached(path: string): Attachment {
  try {
    if (!statSync(path).isFile()) throw Object.assign(new Error(), { code: "not a file" })
    return attachment(path, readFileSync(path))
  } catch (error) {
    throw new Refusal(
      `-a ${path}: ${(error as NodeJS.ErrnoException).code ?? String(error)}; nothing was sent`,
      exits.noInput,
    )
  }
}

async function allOf(io: Io): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of inputOf(io)) pieces.push(Buffer.from(piece as Buffer))
  return Buffer.concat(pieces).toString("utf8")
}

/** A person types it, with the escapes of the line mode. */
async function typed(draft: Draft, options: MailOptions, session: Session): Promise<Draft | undefined> {
  const { typeLetter } = await import("./typing.ts")
  try {
    const asked =
      draft.subject === "" && options.subject === undefined && session.wanted.variables.has("asksub")
    const subject = asked ? await session.terminal.line("Subject: ") : undefined
    const done = await typeLetter(typeof subject === "string" ? { ...draft, subject } : draft, session)
    return done === "abandoned" ? undefined : done.draft
  } finally {
    session.terminal.close()
  }
}
