// What policy says to the peer: sendmail's words (cf/m4/proto.m4), one constant or function each. The session puts the address
// as it was typed in front where sendmail does; files and tables are never named here.
import { reply, type Reply } from "../mail/reply.ts"

export const accessDenied: Reply = reply(550, "5.7.1", "Access denied")
export const mailboxDisabled: Reply = reply(550, "5.2.1", "Mailbox disabled for this recipient")
export const relayingDenied: Reply = reply(550, "5.7.1", "Relaying denied")
export const userUnknown: Reply = reply(550, "5.1.1", "User unknown")
export const realDomainRequired: Reply = reply(553, "5.5.4", "Real domain name required for sender address")

/** No relaying, and the name of the client is why its domain did not help. */
export function relayingDeniedForged(address: string): Reply {
  return reply(550, "5.7.1", `Relaying denied. IP name possibly forged [${address}]`)
}

export function relayingDeniedNameless(address: string): Reply {
  return reply(550, "5.7.1", `Relaying denied. IP name lookup failed [${address}]`)
}

export function domainRequired(sender: string): Reply {
  return reply(553, "5.5.4", `Domain name required for sender address ${cut(sender)}`)
}

export function domainDoesNotExist(sender: string): Reply {
  return reply(553, "5.1.8", `Domain of sender address ${cut(sender)} does not exist`)
}

export function domainDoesNotResolve(sender: string): Reply {
  return reply(451, "4.1.8", `Domain of sender address ${cut(sender)} does not resolve`)
}

export function tooLargeDeclared(limit: number): Reply {
  return reply(552, "5.2.3", `Message size exceeds fixed maximum message size (${limit})`)
}

export function tooLarge(limit: number): Reply {
  return reply(552, "5.2.3", `Message exceeds maximum fixed size (${limit})`)
}

/** An address within a reply: at most 100 characters of it. */
function cut(address: string): string {
  return address.length <= 100 ? address : `${address.slice(0, 97)}...`
}
