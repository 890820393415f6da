// MAILER(): the mailers each word defines, as sendmail's cf/mailer/*.m4 do, and what LOCAL_MAILER_PATH and its kin change.
import type { Origin } from "../mail/decision.ts"
import type { MailerDefinition } from "./settings.ts"

/** The value of a define(), with its line; undefined when it was not given. */
export type Defined = (
  name: string,
) => { readonly value: string; readonly at: Origin | undefined } | undefined

/** The words that MAILER() takes. */
export const mailerWords: readonly string[] = ["local", "smtp", "procmail", "cyrusv2"]

/** Words of MAILER() for networks and programs that are gone: taken, said, and without effect. */
export const deadMailers = ["uucp", "usenet", "fax", "pop", "phquery", "mail11", "qpage", "cyrus"]

type Draft = Omit<MailerDefinition, "maxSize" | "at"> & { readonly prefix: string }

/** The mailers of a MAILER() word; `finalDelivery` is how local mail ends: our own mbox or Maildir, or a program. */
export function mailersOf(
  word: string,
  defined: Defined,
  finalDelivery: MailerDefinition,
): readonly MailerDefinition[] {
  switch (word) {
    case "local":
      return [finalDelivery, ...localKin.map((draft) => withDefines(draft, defined))]
    case "smtp":
      return smtpKin.map((draft) => withDefines(draft, defined))
    case "procmail":
      return [withDefines(procmail, defined)]
    case "cyrusv2":
      return [withDefines(cyrus, defined)]
    default:
      return []
  }
}

const localKin: readonly Draft[] = [
  { name: "prog", path: "/bin/sh", args: "sh -c $u", flags: "lsDFMoqeu9", prefix: "LOCAL_SHELL" },
  { name: "*file*", path: "[FILE]", args: "FILE $u", flags: "lsDFMPEouq9", prefix: "" },
  { name: "*include*", path: "/dev/null", args: "INCLUDE $u", flags: "su", prefix: "" },
]

const smtpKin: readonly Draft[] = [
  { name: "smtp", path: "[IPC]", args: "TCP $h", flags: "mDFMuX", prefix: "SMTP_MAILER" },
  { name: "esmtp", path: "[IPC]", args: "TCP $h", flags: "mDFMuXa", prefix: "ESMTP_MAILER" },
  { name: "smtp8", path: "[IPC]", args: "TCP $h", flags: "mDFMuX8", prefix: "SMTP8_MAILER" },
  { name: "dsmtp", path: "[IPC]", args: "TCP $h", flags: "mDFMuXa%", prefix: "DSMTP_MAILER" },
  { name: "relay", path: "[IPC]", args: "TCP $h", flags: "mDFMuXa8", prefix: "RELAY_MAILER" },
]

const procmail: Draft = {
  name: "procmail",
  path: "/usr/bin/procmail",
  args: "procmail -Y -m $h $f $u",
  flags: "DFMSPhnu9",
  prefix: "PROCMAIL_MAILER",
}

const cyrus: Draft = {
  name: "cyrusv2",
  path: "[IPC]",
  args: "FILE /var/lib/imap/socket/lmtp",
  flags: "lsDFMnqXzA@/:|m",
  prefix: "CYRUSV2_MAILER",
}

/** PREFIX_PATH, _ARGS, _FLAGS (more flags) and _MAX put into a definition. */
function withDefines(draft: Draft, defined: Defined): MailerDefinition {
  const { prefix, ...rest } = draft
  const asked = (suffix: string) => (prefix === "" ? undefined : defined(`${prefix}${suffix}`))
  const flags = asked("_FLAGS")
  const at = asked("_PATH")?.at ?? asked("_ARGS")?.at ?? flags?.at ?? asked("_MAX")?.at
  return {
    ...rest,
    path: asked("_PATH")?.value ?? rest.path,
    args: asked("_ARGS")?.value ?? rest.args,
    flags: flags === undefined ? rest.flags : changeFlags(rest.flags, flags.value),
    maxSize: sizeOf(asked("_MAX")?.value),
    ...inGroup(asked("_QGRP")),
    at,
  }
}

function inGroup(asked: ReturnType<Defined>): { readonly queueGroup?: string } {
  const name = asked?.value.trim() ?? ""
  return name === "" ? {} : { queueGroup: name }
}

function sizeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]+$/.test(text.trim()) ? Number(text) : undefined
}

/** MODIFY_MAILER_FLAGS: `+x` adds, `-x` takes away; letters alone (LOCAL_MAILER_FLAGS) are added. */
export function changeFlags(flags: string, change: string): string {
  const set = new Set(flags)
  let add = true
  for (const letter of change.trim()) {
    if (letter === "+" || letter === "-") add = letter === "+"
    else if (add) set.add(letter)
    else set.delete(letter)
  }
  return [...set].join("")
}

/** sendmail's flags of the local mailer, before LOCAL_MAILER_FLAGS. */
const localFlags = "lsDFMAw5:/|@q"

export type FinalDelivery = {
  readonly maildir: { readonly template: string; readonly at: Origin | undefined } | undefined
  readonly mailboxDirectory: string
  readonly mailboxAt: Origin | undefined
  /** FEATURE(local_procmail) or FEATURE(local_lmtp): path, arguments, flags. */
  readonly program:
    | {
        readonly path: string
        readonly args: string
        readonly flags: string
        readonly at: Origin | undefined
      }
    | undefined
}

/** How local mail ends. `args` of mbox and maildir is the path, with %u for the login and %h for the home. */
export function localMailer(final: FinalDelivery, defined: Defined): MailerDefinition {
  const ended = ending(final, defined)
  const more = defined("LOCAL_MAILER_FLAGS")
  return {
    name: "local",
    path: ended.path,
    args: ended.args,
    flags: changeFlags(localFlags, ended.flags + (more === undefined ? "" : `+${more.value}`)),
    maxSize: sizeOf(defined("LOCAL_MAILER_MAX")?.value),
    ...inGroup(defined("LOCAL_MAILER_QGRP")),
    at: ended.at,
  }
}

// What was said of us comes first, then what was said for sendmail, then our own mbox.
function ending(final: FinalDelivery, defined: Defined) {
  const { maildir, program } = final
  if (program?.path === "[PROCMAIL]") return program // its last resort is the Maildir
  if (maildir !== undefined)
    return { path: "maildir", args: maildir.template, flags: "PSmnr9", at: maildir.at }
  if (program !== undefined) return program
  const path = defined("LOCAL_MAILER_PATH")
  if (path !== undefined) {
    const args = defined("LOCAL_MAILER_ARGS")?.value ?? `${path.value.split("/").at(-1)} -d $u`
    return { path: path.value, args, flags: "Prmn9", at: path.at }
  }
  return { path: "mbox", args: `${final.mailboxDirectory}/%u`, flags: "PSmnr9", at: final.mailboxAt }
}
