// What policy says to the peer: sendmail's words (cf/m4/proto.m4), one constant or function each. The session puts the address
// as it was typed in front where sendmail does; files and tables are never named here.
import { reply, type Reply } from "../mail/reply.ts"
import { option, optionAt } from "../config/options.ts"
import { classMembers, type Settings } from "../config/settings.ts"
import { fillInText, textReply } from "./message-text.ts"

export const mailboxDisabled: Reply = reply(550, "5.2.1", "Mailbox disabled for this recipient")

/** What REJECT says: confREJECT_MSG. */
export function accessDenied(settings: Settings): Reply {
  return textReply(fillInText(option(settings, "RejectMessage"), {}), "5.7.1")
}

/** No rule admits it: confRELAY_MSG. */
export function relayingDenied(settings: Settings): Reply {
  // proto.m4 (_USE_AUTH_): with TRUST_AUTH_MECH the usual text says what would help.
  const usual =
    optionAt(settings, "RelayMessage") === undefined && classMembers(settings, "TrustAuthMech").size > 0
  const text = usual
    ? `${option(settings, "RelayMessage")}. Proper authentication required.`
    : option(settings, "RelayMessage")
  return textReply(fillInText(text, {}), "5.7.1")
}

/** DNS does not say who the client is: it may be one we relay for. */
export function relayingUnsure(address: string): Reply {
  return reply(450, "4.4.0", `Relaying temporarily denied. Cannot resolve PTR record for ${address}`)
}

export function bogusHelo(name: string): Reply {
  return reply(550, "5.7.1", `bogus HELO name used: ${name}`)
}
export const authenticationRequired = reply(530, "5.7.0", "Authentication required") // RFC 4954 §6, RFC 6409 §4.3

/** RFC 6409 §6.1: the login may not use this sender. */
export function notYourAddress(login: string): Reply {
  return reply(553, "5.7.1", `Sender address is not one of ${login}`)
}

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
