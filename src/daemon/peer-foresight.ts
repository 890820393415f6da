// What would be asked about a host before it is given mail, told without speaking to it: for `waypost explain`. Questions that depend
// on what its TLS comes to are put for clear text, for TLS that nobody vouches for, and for a good certificate; alike answers are told once.
import type { TlsFacts } from "../mail/arrival.ts"
import { because, type Decision, type Reason } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import type { Soon } from "../mail/soon.ts"
import type { TlsTerms } from "../mail/tls-terms.ts"
import type { NamedPeer, PeerSecurity } from "../mailers/esmtp-security.ts"
import { citesLine } from "../routing/explain-session.ts"

export type Foresight = Pick<PeerSecurity, "tries" | "features" | "isWell" | "isWellFor"> & {
  readonly terms: (peer: NamedPeer) => Promise<Decision<TlsTerms> | undefined>
  readonly credentials: (peer: NamedPeer) => Promise<Decision<string>>
}

const strong = { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", bits: 256 } as const

/** What TLS may come to. */
const ways: readonly (readonly [way: string, facts: TlsFacts | undefined])[] = [
  ["in clear text", undefined],
  ["over TLS that nobody vouches for", { ...strong, verify: "NO" }],
  ["over TLS with a good certificate", { ...strong, verify: "OK" }],
]

/** A reason for each question that a line of text has to do with. */
export async function foreseePeer(peer: NamedPeer, to: string, asked: Foresight): Promise<readonly Reason[]> {
  const told: Reason[] = []
  const tell = <T>(step: string, decision: Decision<T> | undefined, value: (value: T) => string) => {
    if (decision !== undefined && citesLine(decision.reason)) told.push(inWords(step, decision, value))
  }
  tell("clt_features", await asked.features(peer), (letters) => `${peer.host}: letters ${letters}`)
  tell("try_tls", await asked.tries(peer), (tries) =>
    tries ? `STARTTLS is tried with ${peer.host}` : `STARTTLS is not tried with ${peer.host}`,
  )
  tell("tls_clt_features", await asked.terms(peer), () => `TLS with ${peer.host} is on terms of its own`)
  told.push(...(await eachWay("tls_server", peer.host, (facts) => asked.isWell(peer, facts))))
  told.push(...(await eachWay("tls_rcpt", to, (facts) => asked.isWellFor(to, peer, facts))))
  tell("authinfo", await asked.credentials(peer), () => `we log in to ${peer.host}`)
  return told
}

async function eachWay(
  step: string,
  about: string,
  ask: (facts: TlsFacts | undefined) => Soon<Decision<undefined>>,
): Promise<readonly Reason[]> {
  const told = new Map<string, { readonly ways: string[]; readonly decision: Decision<undefined> }>()
  for (const [way, facts] of ways) {
    const decision = await ask(facts)
    if (!citesLine(decision.reason)) continue
    const alike = told.get(verdict(decision, () => ""))
    if (alike === undefined)
      told.set(
        verdict(decision, () => ""),
        { ways: [way], decision },
      )
    else alike.ways.push(way)
  }
  return [...told.values()].map(({ ways: those, decision }) =>
    inWords(
      step,
      decision,
      () => `${about}, ${those.join(" and ")}: good enough`,
      `${about}, ${those.join(" and ")}: `,
    ),
  )
}

function inWords<T>(step: string, decision: Decision<T>, value: (value: T) => string, before = ""): Reason {
  const refused = decision.outcome === "no" || decision.outcome === "later"
  const says = refused ? `${before}${verdict(decision, value)}` : verdict(decision, value)
  const told = because(step, says, decision.reason.at, [{ ...decision.reason, role: "passed" }])
  return refused ? { ...told, role: decision.outcome === "no" ? "refused" : "unknown" } : told
}

function verdict<T>(decision: Decision<T>, value: (value: T) => string): string {
  switch (decision.outcome) {
    case "yes":
      return value(decision.value)
    case "no":
      return `mail comes back: ${replyLine(decision.reply)}`
    case "later":
      return `mail waits: ${replyLine(decision.reply)}`
    case "pass":
      return decision.reason.says
  }
}
