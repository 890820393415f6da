// The mailers: MAILER() words, how local mail ends here, MODIFY_MAILER_FLAGS.
import type { Origin } from "../mail/decision.ts"
import type { Draft } from "./draft.ts"
import { error, type Issue, suggestion, warning } from "./issues.ts"
import { changeFlags, deadMailers, type Defined, localMailer, mailersOf, mailerWords } from "./mailers.ts"
import { readMailer } from "./cf-mailer.ts"
import { withoutComment } from "./rule-text.ts"
import type { LocalLine, MailerDefinition } from "./settings.ts"
import type { Statement } from "./statement.ts"

type Of<K extends Statement["kind"]> = Extract<Statement, { readonly kind: K }>

/** MAILER() words in order, then MODIFY_MAILER_FLAGS. */
export function addMailers(draft: Draft): void {
  const defined = (name: string) => {
    const piece = draft.mc.defines.get(name)
    return piece === undefined ? undefined : { value: piece.text, at: piece.at }
  }
  const local = finalDelivery(draft, defined)
  const add = (word: string, at: Origin | undefined) => {
    for (const mailer of mailersOf(word, defined, local))
      draft.mailers.set(mailer.name, { ...mailer, at: mailer.at ?? at })
  }
  const none = { path: "", args: "", flags: "", maxSize: undefined, at: undefined }
  for (const name of ["error", "discard"]) draft.mailers.set(name, { ...none, name, path: `[${name}]` })
  const nullClient = draft.features.get("nullclient")?.[0] ?? draft.features.get("msp")?.[0]
  if (nullClient !== undefined) for (const word of ["local", "smtp"]) add(word, nullClient.at)
  for (const statement of draft.mc.statements) {
    if (statement.kind !== "mailer") continue
    if (mailerWords.includes(statement.name)) add(statement.name, statement.at)
    else draft.issues.push(unknownMailer(statement))
  }
  // proto.m4 puts MAILER(local) behind all others where a site has none.
  if (!draft.mailers.has("local")) add("local", undefined)
  for (const line of draft.mc.localLines) if (line.text.startsWith("M")) addOwnMailer(draft, line)
  for (const statement of draft.mc.statements)
    if (statement.kind === "mailer-flags") modifyFlags(draft, statement)
  tellMissing(draft)
}

/** A mailer that the site defines itself, by an M line of MAILER_DEFINITIONS. */
function addOwnMailer(draft: Draft, { text, at }: LocalLine): void {
  const read = readMailer(withoutComment(text).slice(1), 0, at)
  if (!read.ok) {
    draft.issues.push(error("bad-line", read.error, at))
    return
  }
  const { name, equates } = read.value
  const size = Number(equates.get("M") ?? 0)
  draft.mailers.set(name, {
    name,
    path: equates.get("P") ?? "",
    args: equates.get("A") ?? "",
    flags: equates.get("F") ?? "",
    maxSize: size > 0 ? size : undefined,
    ...(equates.has("Q") ? { queueGroup: equates.get("Q") ?? "" } : {}),
    at,
  })
}

function unknownMailer({ name, at }: Of<"mailer">): Issue {
  if (deadMailers.includes(name))
    return warning("obsolete", `MAILER(${name}) is not supported and has no effect`, at)
  return error(
    "unknown-mailer",
    `there is no MAILER(${name})`,
    at,
    suggestion(name, [...mailerWords, ...deadMailers]),
  )
}

function modifyFlags(draft: Draft, { mailer: prefix, change, at }: Of<"mailer-flags">): void {
  const name = prefix.toLowerCase() === "local_shell" ? "prog" : prefix.toLowerCase()
  const mailer = draft.mailers.get(name)
  if (mailer === undefined) {
    const hint = suggestion(
      prefix,
      [...draft.mailers.keys()].map((known) => known.toUpperCase()),
    )
    draft.issues.push(
      error("unknown-mailer", `there is no mailer ${prefix} whose flags could be changed`, at, hint),
    )
  } else draft.mailers.set(name, { ...mailer, flags: changeFlags(mailer.flags, change), at })
}

function tellMissing(draft: Draft): void {
  if (draft.mailers.has("esmtp")) return
  draft.issues.push(warning("order", "there is no MAILER(`smtp'): no mail can leave by SMTP", undefined))
}

/** Maildir, a program, or mbox files: in this order of precedence. */
function finalDelivery(draft: Draft, defined: Defined): MailerDefinition {
  const maildir = draft.features.get("maildir")?.[0]
  checkMaildir(draft)
  checkSieve(draft)
  const setting = draft.options.get("LocalMailboxDirectory")
  const directory = typeof setting?.value === "string" ? setting.value : undefined
  const usual = draft.place.root ? "/var/mail" : `${draft.place.state}/mail`
  if (directory === undefined) draft.options.set("LocalMailboxDirectory", { value: usual, at: undefined })
  return localMailer(
    {
      maildir:
        maildir === undefined ? undefined : { template: maildir.args[0] || "%h/Maildir", at: maildir.at },
      mailboxDirectory: directory ?? usual,
      mailboxAt: setting?.at,
      program: programOf(draft, defined),
    },
    defined,
  )
}

/** One program decides about a user's mail. */
function checkSieve(draft: Draft): void {
  const sieve = draft.features.get("sieve")?.[0]
  const program = ["local_procmail", "local_lmtp"].find((name) => draft.features.has(name))
  if (sieve === undefined || program === undefined) return
  const says = `sieve has no effect with FEATURE(\`${program}'), which takes the mail first`
  draft.issues.push(warning("order", says, sieve.at))
}

function checkMaildir(draft: Draft): void {
  const maildir = draft.features.get("maildir")?.[0]
  const quota = maildir?.args[1] ?? ""
  if (!/^(?:\d{1,15}[SC](?:,\d{1,15}[SC])?)?$/.test(quota)) {
    const says = `"${quota}" is no quota: octets with S, messages with C, as in 10485760S,1000C`
    draft.issues.push(error("bad-value", says, maildir?.at))
  }
  const folders = draft.features.get("detail_folders")?.[0]
  if (folders === undefined) return
  if (!["", "make"].includes(folders.args[0] ?? ""))
    draft.issues.push(
      error("bad-value", `detail_folders: "make" or nothing, not "${folders.args[0]}"`, folders.at),
    )
  if (maildir === undefined)
    draft.issues.push(warning("order", "detail_folders has no effect without FEATURE(`maildir')", folders.at))
}

/** Our own, unless a path says which. */
const ownProcmail = "[PROCMAIL]"

/** FEATURE(local_procmail, path, arguments, flags) and FEATURE(local_lmtp, path, arguments). */
function programOf(draft: Draft, defined: Defined) {
  const procmail = draft.features.get("local_procmail")?.[0]
  if (procmail !== undefined) {
    const [path = "", args = "", flags = ""] = procmail.args
    return {
      path: path || (defined("PROCMAIL_MAILER_PATH")?.value ?? ownProcmail),
      args: args || "procmail -Y -a $h -d $u",
      flags: flags || "SPfhn9",
      at: procmail.at,
    }
  }
  const lmtp = draft.features.get("local_lmtp")?.[0]
  if (lmtp === undefined) return undefined
  const [path = "", args = ""] = lmtp.args
  // mail.local writes mboxes in /var/mail by LMTP on its standard input: our own mailer does that itself.
  if (path === "" || path.endsWith("/mail.local")) return undefined
  if (!path.startsWith("[")) {
    const says = `LMTP to a program (${path}) is not spoken: \`[IPC]' with \`FILE /its/socket' or \`TCP host port' is`
    draft.issues.push(error("not-supported", says, lmtp.at))
  }
  return { path, args: args || "TCP $h", flags: "PSXmnz9", at: lmtp.at }
}
