// What access says of encrypted lines (proto.m4: Try_TLS, TLS_Srv, TLS_Clt, TLS_Rcpt, TLS_connection, TLS_req): whether to try, and
// what a line must come to before mail goes over it: VERIFY, ENCR:bits, and +CN, +CS, +CI after them.
import type { Mailbox } from "../mail/address.ts"
import type { Arrival, Client, TlsFacts } from "../mail/arrival.ts"
import { because, type Decision, later, no, pass, type Reason, yes } from "../mail/decision.ts"
import { reply, type Reply } from "../mail/reply.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import type { Found } from "../mail/world.ts"
import type { Entry, LookupTable } from "../maps/table.ts"
import { byEntry, tableSilent } from "../routing/reasons.ts"
import { addressKeys, mailboxKeys, nameKeys } from "./access.ts"

export type TlsPeer = { readonly host: string; readonly address: string }

type Tag =
  | "Try_TLS"
  | "TLS_Srv"
  | "TLS_Clt"
  | "TLS_Rcpt"
  | "Srv_Features"
  | "Clt_Features"
  | "TLS_Srv_Features"
  | "TLS_Clt_Features"

type Listed =
  | { readonly found: "entry"; readonly entry: Entry; readonly reason: Reason }
  | { readonly found: "nothing" }
  | { readonly found: "silent"; readonly decision: Decision<never> }

/** The first key that is listed under this tag, and the tag alone at last; a key without its tag means something else. */
export function askTag(tables: readonly LookupTable[], tag: Tag, keys: readonly string[]): Soon<Listed> {
  return askTagged(tables, taggedKeys(tag, keys))
}

function taggedKeys(tag: Tag, keys: readonly string[]): readonly string[] {
  return [...keys.map((one) => `${tag}:${one}`), `${tag}:`]
}

const notListed: Listed = { found: "nothing" }

function askTagged(tables: readonly LookupTable[], keys: readonly string[]): Soon<Listed> {
  for (const table of tables) {
    for (const key of keys) {
      const found = table.lookup(key)
      if (found instanceof Promise) return askSlowly(tables, keys)
      if (found.found !== "nothing") return listedBy(table, key, found)
    }
  }
  return notListed
}

async function askSlowly(tables: readonly LookupTable[], keys: readonly string[]): Promise<Listed> {
  for (const table of tables) {
    for (const key of keys) {
      const found = await table.lookup(key)
      if (found.found !== "nothing") return listedBy(table, key, found)
    }
  }
  return notListed
}

function listedBy(
  table: LookupTable,
  key: string,
  found: Exclude<Found<Entry>, { readonly found: "nothing" }>,
): Listed {
  return found.found === "entry"
    ? { found: "entry", entry: found.entry, reason: byEntry(table, found.entry) }
    : { found: "silent", decision: tableSilent(table, key, found.why) }
}

/** A host by its name, its domains, its address and the networks of that. */
export function peerKeys({ host, address }: TlsPeer): readonly string[] {
  const names = /^[\d.]+$|:/.test(host) || host === "" ? [] : nameKeys(host.toLowerCase(), false)
  return [...names, ...addressKeys(address)]
}

const triedAnyway = yes(true, because("Try_TLS", "nothing speaks against TLS"))

/** Try_TLS: NO keeps us from STARTTLS with hosts that cannot do it well. */
export async function triesTls(peer: TlsPeer, tables: readonly LookupTable[]): Promise<Decision<boolean>> {
  const listed = await askTag(tables, "Try_TLS", peerKeys(peer))
  if (listed.found === "silent") return listed.decision
  if (listed.found === "nothing") return triedAnyway
  return yes(listed.entry.value.trim().toUpperCase() !== "NO", listed.reason)
}

const offersAsEver = pass({
  ...because("srv_features", "access says nothing of it"),
  role: "passed",
} as const)

/** Srv_Features: letters that change what this client is offered (proto.m4: srv_features). */
export async function featuresFor(
  { client }: Pick<Arrival, "client">,
  tables: readonly LookupTable[],
): Promise<Decision<string>> {
  if (client === undefined || tables.length === 0) return offersAsEver
  const keys = peerKeys({ host: client.name ?? "", address: client.address })
  const listed = await askTag(tables, "Srv_Features", keys)
  if (listed.found === "silent") return listed.decision
  return listed.found === "nothing" ? offersAsEver : yes(listed.entry.value, listed.reason)
}

const demandsAsEver = pass({
  ...because("clt_features", "access says nothing of it"),
  role: "passed",
} as const)

/**
 * Clt_Features: letters about a server: D, it need not prove itself by DANE; M, nor as its domain's MTA-STS policy asks (proto.m4:
 * clt_features, whose rules ask for {client_name}, which is not the server's).
 */
export async function clientFeaturesFor(
  peer: TlsPeer,
  tables: readonly LookupTable[],
): Promise<Decision<string>> {
  if (tables.length === 0) return demandsAsEver
  const listed = await askTag(tables, "Clt_Features", peerKeys(peer))
  if (listed.found === "silent") return listed.decision
  return listed.found === "nothing" ? demandsAsEver : yes(listed.entry.value, listed.reason)
}

const nothingAsked = pass(because("TLS", "access asks nothing of it"))

/** TLS_Srv: what the way to this server must be. */
export async function serverIsWell(
  peer: TlsPeer,
  facts: TlsFacts | undefined,
  tables: readonly LookupTable[],
): Promise<Decision<undefined>> {
  return judged(await askTag(tables, "TLS_Srv", peerKeys(peer)), peer.host, facts)
}

const keysOfClients = new WeakMap<Client, readonly string[]>()

/** Asked for again with each message of a client, so they are kept as long as it is there. */
function clientKeys(client: Client): readonly string[] {
  const known = keysOfClients.get(client)
  if (known !== undefined) return known
  const keys = taggedKeys("TLS_Clt", peerKeys({ host: client.name ?? "", address: client.address }))
  keysOfClients.set(client, keys)
  return keys
}

/** TLS_Clt: what the way from this client must be. */
export function clientIsWell(
  { client, tlsFacts }: Pick<Arrival, "client" | "tlsFacts">,
  tables: readonly LookupTable[],
): Soon<Decision<undefined>> {
  if (client === undefined) return nothingAsked
  return whenThere(askTagged(tables, clientKeys(client)), (listed) =>
    judged(listed, client.name ?? client.address, tlsFacts),
  )
}

/** TLS_Rcpt: what the way must be for mail to this mailbox. */
export function recipientIsWell(
  to: Mailbox,
  { host }: TlsPeer,
  facts: TlsFacts | undefined,
  tables: readonly LookupTable[],
): Soon<Decision<undefined>> {
  return whenThere(askTag(tables, "TLS_Rcpt", mailboxKeys(to).flat()), (listed) =>
    judged(listed, host, facts),
  )
}

function judged(listed: Listed, name: string, facts: TlsFacts | undefined): Decision<undefined> {
  if (listed.found === "silent") return listed.decision
  if (listed.found === "nothing") return nothingAsked
  const requirement = parseRequirement(listed.entry.value)
  if (requirement === undefined) return yes(undefined, listed.reason) // any other word lets it pass, as in sendmail
  const lacking = whatLacks(requirement, name, facts)
  if (lacking === undefined) return yes(undefined, listed.reason)
  const reason: Reason = { ...listed.reason, says: `${listed.reason.says}, and ${lacking}`, role: "refused" }
  return requirement.permanent
    ? no(reply(503, "5.7.0", lacking), reason)
    : later(reply(temporary.code, temporary.status, lacking), reason)
}

/** sendmail has 403 for TEMP+ and 454 else, which say the same to a peer. */
const temporary = { code: 454, status: "4.7.0" } as const satisfies Pick<Reply, "code" | "status">

export type Requirement = {
  readonly permanent: boolean
  readonly verified: boolean
  readonly bits: number
  /** CN, CN:name, CS:subject, CI:issuer */
  readonly more: readonly string[]
}

/** `PERM+VERIFY:112+CN:smtp.example.org`; undefined when it asks for nothing. */
export function parseRequirement(value: string): Requirement | undefined {
  const found = /^\s*(?:(PERM|TEMP)\s*\+\s*)?(VERIFY|ENCR)\s*(?::\s*(\d+))?\s*(?:\+(.*))?$/i.exec(value)
  if (found === null) return undefined
  const [, severity, word = "", bits, more] = found
  return {
    permanent: severity?.toUpperCase() === "PERM",
    verified: word.toUpperCase() === "VERIFY",
    bits: Number(bits ?? 0),
    more: more === undefined ? [] : more.split("++").map((one) => one.trim()),
  }
}

/** sendmail's words for a peer that does not authenticate itself, by {verify}. */
const notVerified: Readonly<Record<string, string>> = {
  FAIL: "authentication failed",
  NO: "not authenticated",
  NOT: "no authentication requested",
  NONE: "other side does not support STARTTLS",
}

function whatLacks(
  { verified, bits, more }: Requirement,
  name: string,
  facts: TlsFacts | undefined,
): string | undefined {
  if (verified && facts?.verify !== "OK") return notVerified[facts?.verify ?? "NONE"]
  const has = facts?.bits ?? 0
  if (has < bits) return `encryption too weak ${has} less than ${bits}`
  for (const one of more) {
    const wrong = mismatch(one, name, facts)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function mismatch(wanted: string, name: string, facts: TlsFacts | undefined): string | undefined {
  const [kind = "", ...rest] = wanted.split(":")
  const value = rest.join(":")
  const { cnSubject = "", subject = "", issuer = "", altNames = [] } = facts?.certificate ?? {}
  switch (kind.toUpperCase()) {
    case "CN": {
      const asked = (value === "" ? name : value).toLowerCase()
      const known = [cnSubject.toLowerCase(), ...altNames].some((one) => sameName(one, asked))
      return known ? undefined : `CN ${cnSubject} does not match ${asked}`
    }
    case "CS":
      return subject === value ? undefined : `Cert Subject ${subject} does not match ${value}`
    case "CI":
      return issuer === value ? undefined : `Cert Issuer ${issuer} does not match ${value}`
  }
  return `access asks for "${wanted}", which is not known`
}

/** A certificate for *.example.org is good for mx.example.org (RFC 6125 §6.4.3). */
function sameName(inCertificate: string, asked: string): boolean {
  if (inCertificate === asked) return true
  const dot = asked.indexOf(".")
  return dot > 0 && inCertificate === `*${asked.slice(dot)}`
}

/**
 * Who shows a certificate that access trusts may relay: CERTISSUER:issuer RELAY, or SUBJECT and CERTSUBJECT:subject RELAY
 * (proto.m4: RelayTLS). A certificate of an authority that we know is not enough.
 */
export async function relaysByCertificate(
  { tlsFacts }: Pick<Arrival, "tlsFacts">,
  tables: readonly LookupTable[],
): Promise<Decision<undefined>> {
  const { certificate } = tlsFacts ?? {}
  if (tlsFacts?.verify !== "OK" || certificate === undefined) return noCertificate
  for (const table of tables) {
    const issuer = await table.lookup(`CERTISSUER:${certificate.issuer}`)
    if (issuer.found === "unavailable") return tableSilent(table, "CERTISSUER:", issuer.why)
    if (issuer.found === "nothing") continue
    const word = issuer.entry.value.trim().toUpperCase()
    if (word === "RELAY") return yes(undefined, byEntry(table, issuer.entry))
    if (word !== "SUBJECT") continue
    const subject = await table.lookup(`CERTSUBJECT:${certificate.subject}`)
    if (subject.found === "unavailable") return tableSilent(table, "CERTSUBJECT:", subject.why)
    if (subject.found === "entry" && subject.entry.value.trim().toUpperCase() === "RELAY")
      return yes(undefined, byEntry(table, subject.entry))
  }
  return notTrusted
}

const noCertificate = pass(because("certificate?", "the client has shown none that is good"))
const notTrusted = pass(because("certificate?", "access does not trust its issuer"))
