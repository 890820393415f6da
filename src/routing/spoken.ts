// How a mailer says an address: as it is, or for a host of UUCP (`user@host.uucp` here) in the old form with bangs, which every
// server between here and there understands (smtp.m4: PseudoToReal, EnvToSMTP).
import { type Domain, type Mailbox, printMailbox } from "../mail/address.ts"

const pseudo = ".uucp"

/** `a!b!user` for a mailbox at a.uucp; undefined for all others. */
export function bangForm({ localPart, domain }: Mailbox): string | undefined {
  return domain.kind === "name" && domain.ascii.endsWith(pseudo)
    ? `${domain.ascii.slice(0, -pseudo.length)}!${localPart}`
    : undefined
}

/** Our own name, and whether UUCP's bangs mean anything here (no FEATURE(nouucp)). */
export type Speaker = { readonly own: Domain; readonly bangs: boolean }

/** The same mailbox where no pseudo domain may be named: host!user at our own name. */
export function realMailbox(mailbox: Mailbox, { own, bangs }: Speaker): Mailbox {
  const bang = bangs ? bangForm(mailbox) : undefined
  return bang === undefined ? mailbox : { localPart: bang, domain: own }
}

/** The address as RCPT TO names it. The relay mailer leaves it to its host what host!user means. */
export function spokenBy(mailer: string, mailbox: Mailbox, { own, bangs }: Speaker): string {
  const bang = bangs ? bangForm(mailbox) : undefined
  if (bang === undefined) return printMailbox(mailbox)
  return mailer === "relay" ? bang : printMailbox({ localPart: bang, domain: own })
}
