// What a submission program's own settings make of addresses: masquerading and genericstable of submit.mc, in the header and, with
// FEATURE(masquerade_envelope), for the sender of the envelope (sendmail: the relay mailer's HdrFromSMTP and EnvFromSMTP). Loaded
// only where submit.mc asks for it.
import type { Settings } from "../config/settings.ts"
import { makeTables } from "../host/tables.ts"
import { parseMailbox } from "../mail/address.ts"
import type { Reason } from "../mail/decision.ts"
import type { DnsAnswer } from "../mail/world.ts"
import { canonical } from "../routing/canonify.ts"
import { headerRewriter } from "../routing/header-rewriter.ts"
import { makeRouting } from "../routing/routing.ts"
import { rewriteAddress } from "../routing/rewrite-address.ts"
import { rewriteHeader } from "../routing/rewrite-header.ts"
import { exits, Refusal } from "./io.ts"

export type Masqueraded = { readonly sender: string; readonly head: Buffer }

/** No name is looked up before mail is handed over. */
const unasked = async (): Promise<DnsAnswer<never>> => ({ found: "unavailable", why: "not asked" })
const dns = { mx: unasked, addresses: unasked, names: unasked, txt: unasked, cname: unasked }

/** The whole sender and the octets that begin with the header, as the server is to see them. */
export async function masqueraded(sender: string, head: Buffer, settings: Settings): Promise<Masqueraded> {
  const tables = makeTables(settings.tables, () => {})
  if (!tables.ok) throw new Refusal(`the mail was not sent: ${tables.error}`, exits.config)
  try {
    const routing = makeRouting({
      settings,
      tables: tables.value.byName,
      accounts: { lookup: async () => ({ found: "nothing" }) },
      readUserFile: async () => ({ found: "nothing" }),
      dns,
      srs: undefined,
    })
    const silent: Reason[] = []
    const rewritten = await rewriteHeader(
      head,
      headerRewriter("relay", routing, (reason) => void silent.push(reason)),
    )
    const from = parseMailbox(sender)
    if (!from.ok) return { sender, head: rewritten }
    const question = { mailer: "relay", where: "envelope", kind: "sender" } as const
    const said = await rewriteAddress(canonical(from.value, routing), question, routing)
    const [reason = said.reason] = silent
    if (said.outcome !== "yes" || silent.length > 0)
      throw new Refusal(`the mail was not sent: ${reason.says}`, exits.tryAgain)
    return { sender: said.value, head: rewritten }
  } finally {
    tables.value.close()
  }
}
