// Signatures on mail that leaves: FEATURE(dkim_sign) for our own, FEATURE(arc)'s seal for what passes through. It happens after the
// last change to the header (daemon/outgoing.ts), for what is signed must be what is sent; and only for mail that goes to another host.
import { feature, macro, type Settings } from "../config/settings.ts"
import { wordsOf } from "../config/feature-words.ts"
import { type Content, headerOf, withFieldsOnTop } from "../mail/content.ts"
import {
  because,
  type Decision,
  later,
  type Origin,
  pass,
  printOrigin,
  type Reason,
  yes,
} from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Clock } from "../mail/world.ts"
import { claimsToBeOurs, resultOf } from "../message/auth-results.ts"
import { first, type Header, scanHeader, valueOf } from "../message/header.ts"
import { authorsOf } from "../policy/authors.ts"
import type { Entry } from "../queue/entry.ts"
import { cause } from "../routing/reasons.ts"
import { type KeyRing, readKeys } from "../trust/dkim-keys.ts"
import type { SignatureThreads } from "../trust/mailauth.ts"
import type { Job, SigningKey } from "../trust/mailauth-requests.ts"

/** The message with what vouches for it on top; a pass: nothing does. */
export type Sign = (entry: Entry, content: Content) => Promise<Decision<Content>>

export type SigningParts = {
  readonly settings: Settings
  readonly clock: Clock
  readonly threads: () => SignatureThreads
  /** Whether mail of this arrival is our own: its client is of this host, logged in, or may relay. */
  readonly isOurs: (arrival: Entry["arrival"]) => Promise<boolean>
  readonly log: (line: string) => void
}

/** Where keys are kept when the FEATURE does not say. */
export const keysByDefault = "/etc/mail/dkim"

/** As the FEATUREs ask for it; undefined where none does. The error is one line. */
export function makeSigning(parts: SigningParts): Result<Sign | undefined> {
  const { settings, log } = parts
  const sign = feature(settings, "dkim_sign")
  const arc = feature(settings, "arc")
  const sealer = arc === undefined ? undefined : wordsOf(arc).get("seal")?.toLowerCase()
  if (sign === undefined) return ok(undefined)
  const directory = sign.args[0] || keysByDefault
  const ring = readKeys(directory)
  if (!ring.ok) return fail(`FEATURE(dkim_sign): ${ring.error}${placeOf(sign.at)}`)
  if (ring.value.size === 0) log(`FEATURE(dkim_sign): ${directory} has no keys, so nothing is signed`)
  const sealKeys = sealer === undefined ? undefined : ring.value.get(sealer)
  if (sealer !== undefined && sealKeys === undefined)
    return fail(`FEATURE(arc): ${directory} has no key of ${sealer}, which seal= names${placeOf(arc?.at)}`)
  const site: Site = {
    ...parts,
    ring: ring.value,
    host: macro(settings, "j") ?? "localhost",
    at: sign.at,
    seal:
      sealer === undefined || sealKeys === undefined
        ? undefined
        : { domain: sealer, keys: sealKeys, at: arc?.at },
  }
  const known = new WeakMap<Content, Promise<Decision<Content>>>()
  return ok((entry, content) => {
    const before = known.get(content) // one message to many destinations is signed once
    if (before !== undefined) return before
    const signed = signedOrSealed(entry, content, site)
    known.set(content, signed)
    void signed.then(({ outcome }) => outcome === "later" && known.delete(content)) // the next attempt tries again
    return signed
  })
}

function placeOf(at: Origin | undefined): string {
  return at === undefined ? "" : ` (${printOrigin(at)})`
}

type Site = SigningParts & {
  readonly ring: KeyRing
  readonly host: string
  readonly at: Origin | undefined
  readonly seal:
    | { readonly domain: string; readonly keys: readonly SigningKey[]; readonly at: Origin | undefined }
    | undefined
}

async function signedOrSealed(entry: Entry, content: Content, site: Site): Promise<Decision<Content>> {
  const header = scanHeader(await headerOf(content))
  const seconds = Math.floor(site.clock() / 1000)
  if (await site.isOurs(entry.arrival)) {
    const author = authorsOf(header)[0] ?? ""
    const found = keysFor(author, site.ring)
    if (found === undefined)
      return pass(step("dkim", `there is no key for ${author || "a letter without an author"}`, site.at))
    const { domain, keys } = found
    const which = keys.map(({ selector, algorithm }) => `s=${selector}, ${algorithm}`).join(" and ")
    const says = `signed as ${domain} (${which})`
    return done({ does: "sign", domain, keys, seconds, headerSize: content.headerSize }, content, {
      site,
      says,
    })
  }
  return site.seal === undefined
    ? pass(step("dkim", "it is not ours to sign", site.at))
    : sealed(header, content, site.seal, site)
}

/** The keys of the domain itself, or of the nearest above it that has some: a signature of it is aligned. */
export function keysFor(author: string, ring: KeyRing) {
  for (let domain = author; domain.includes("."); domain = domain.slice(domain.indexOf(".") + 1)) {
    const keys = ring.get(domain)
    if (keys !== undefined) return { domain, keys }
  }
  return undefined
}

/** What we found out when it came is what the seal tells; without it there is nothing to seal (RFC 8617 §5.1). */
async function sealed(
  header: Header,
  content: Content,
  { domain, keys, at }: NonNullable<Site["seal"]>,
  site: Site,
): Promise<Decision<Content>> {
  const ours = header.fields.find((field) => claimsToBeOurs(header, field, site.host))
  const results = ours === undefined ? "" : valueOf(header, ours)
  const cv = resultOf(results, "arc")
  const key = keys.find(({ algorithm }) => algorithm === "rsa-sha256") ?? keys[0]
  if (cv === undefined || key === undefined)
    return pass(step("arc", "nothing was found out about it, so there is nothing to seal", at))
  // RFC 8617 §5.1 step 2: a chain that was sealed as broken is not sealed again.
  if (/(?:^|;)\s*cv\s*=\s*fail\b/i.test(first(header, "arc-seal") ?? ""))
    return pass(step("arc", "the chain was sealed as broken before", at))
  const job = {
    does: "seal",
    domain,
    key,
    results: results.replaceAll(/;\s*/g, ";\r\n\t"),
    cv: cv === "none" || cv === "pass" ? cv : "fail", // RFC 8617 §5.1.1
    seconds: Math.floor(site.clock() / 1000),
  } as const
  return done(job, content, { site, says: `sealed by ${domain} (s=${key.selector}, cv=${cv})` })
}

async function done(
  job: Job,
  content: Content,
  { site, says }: { readonly site: Site; readonly says: string },
): Promise<Decision<Content>> {
  const made = await site.threads().do(job, () => content.chunks())
  const name = job.does === "seal" ? "arc" : "dkim"
  const at = job.does === "seal" ? site.seal?.at : site.at
  if (!made.ok) {
    const reason = because(name, `it could not be signed now: ${made.error}`, at)
    return later(reply(451, "4.3.0", "Mail could not be signed now"), { ...reason, role: "unknown" })
  }
  const { found } = made.value
  if (found.did === "nothing") return pass(step(name, `it is not sealed: ${found.why}`, at))
  if (found.did === "verify") throw new Error("a thread verified what it was to sign")
  return yes(withFieldsOnTop(content, Buffer.from(found.fields, "latin1")), {
    ...step(name, says, at),
    role: "changed",
  })
}

function step(name: "dkim" | "arc", says: string, at: Origin | undefined): Reason {
  const line = name === "arc" ? "FEATURE(arc)" : "FEATURE(dkim_sign)"
  return { ...because(name, says, at, cause(line, at)), role: "passed" }
}
