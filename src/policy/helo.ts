// FEATURE(block_bad_helo): clients that call themselves by our name, or by what is no name, are refused at RCPT; not those we
// relay for, nor who is logged in (proto.m4, at the end of check_rcpt).
import { type Decision, no, pass } from "../mail/decision.ts"
import { feature, inClass } from "../config/settings.ts"
import { passed, refused } from "../routing/reasons.ts"
import { addressKeys } from "./access.ts"
import { bogusHelo } from "./replies.ts"
import type { PolicyWorld, RecipientQuestion } from "./world.ts"

/** A pass for everybody whose name will do. */
export function heloIsWell({ arrival }: RecipientQuestion, { routing }: PolicyWorld): Decision<undefined> {
  const { settings } = routing
  const at = feature(settings, "block_bad_helo")?.at
  const { client, authenticated, helo = "" } = arrival
  if (client === undefined || authenticated !== undefined)
    return pass(passed("block_bad_helo", "the client is known", at))
  const ours = addressKeys(client.address).find((key) => inClass(settings, "R", key).member)
  if (ours !== undefined) return pass(passed("block_bad_helo", `${ours} is in class R`, at))
  const why = wrongWith(helo, settings)
  if (why !== undefined) return no(bogusHelo(helo), refused("block_bad_helo", `"${helo}" ${why}`, at))
  return pass(passed("block_bad_helo", `"${helo}" can be the client's name`, at))
}

function wrongWith(helo: string, settings: PolicyWorld["routing"]["settings"]): string | undefined {
  const name = helo.toLowerCase()
  if (inClass(settings, "w", name).member || inClass(settings, "w", `[${name}]`).member) return "is this host"
  if (name.startsWith("[ipv6:") || /[^.]\.[^.]/.test(name)) return undefined
  return "is no full name"
}
