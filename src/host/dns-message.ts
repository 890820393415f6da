// DNS messages: a question as octets, and what an answer says about exactly that question. Records of other names are not looked at,
// whoever sends them (RFC 1035, RFC 2308, RFC 6891).
import {
  AUTHENTIC_DATA,
  type Answer,
  type DecodedPacket,
  decode,
  encode,
  RECURSION_DESIRED,
} from "dns-packet"

export type QuestionType = "A" | "AAAA" | "MX" | "TXT" | "PTR" | "CNAME" | "TLSA"

export type Question = { readonly name: string; readonly type: QuestionType }

/** What one server said. `elsewhere`: the name is another name for `alias`, whose records it did not give. */
export type Said =
  | {
      readonly said: "records"
      readonly records: readonly Answer[]
      readonly ttl: number
      readonly authentic: boolean
    }
  | {
      readonly said: "nothing"
      readonly why: "no such name" | "no such record"
      readonly ttl: number
      readonly authentic: boolean
    }
  | { readonly said: "elsewhere"; readonly alias: string; readonly ttl: number; readonly authentic: boolean }
  | { readonly said: "truncated" }
  /** FORMERR: an old server that does not know EDNS, perhaps. */
  | { readonly said: "no EDNS" }
  | { readonly said: "failure"; readonly why: string }

const udpSize = 1232 // DNS flag day 2020: fits every path without fragments
const longestChain = 16
const negativeTtl = 60
const longestNegative = 3600
const rcodeNames = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"]

/** Whether a name can be asked for at all: labels of 1 to 63 octets, 253 in all (RFC 1035 §2.3.4). */
export function isAskable(name: string): boolean {
  if (name.length > 253 || !/^[\x21-\x7e]+$/.test(name)) return false
  return name.split(".").every((label) => label.length > 0 && label.length < 64)
}

/** The question as octets. AD in a question asks for AD in the answer (RFC 6840 §5.7). */
export function writeQuestion({ name, type }: Question, id: number, edns: boolean): Buffer {
  return encode({
    type: "query",
    id,
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ name, type }],
    additionals: edns ? [optRecord] : [],
  })
}

const optRecord: Answer = {
  type: "OPT",
  name: ".",
  udpPayloadSize: udpSize,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
}

/** The answer to this question with this id; undefined when the octets are an answer to anything else, or none. */
export function readAnswer(octets: Buffer, question: Question, id: number): DecodedPacket | undefined {
  if (octets.length < 12 || octets.readUInt16BE(0) !== id) return undefined
  const packet = decoded(octets)
  const [asked, ...more] = packet?.questions ?? []
  if (packet === undefined || !packet.flag_qr || asked === undefined || more.length > 0) return undefined
  const same = asked.type === question.type && asked.class === "IN" && lower(asked.name) === question.name
  return same ? packet : undefined
}

function decoded(octets: Buffer): DecodedPacket | undefined {
  try {
    return decode(octets)
  } catch {
    return undefined // dns-packet throws at every kind of broken octets: no answer to anything
  }
}

/** What the packet says about the question. */
export function understand(packet: DecodedPacket, question: Question): Said {
  const rcode = (packet.flags ?? 0) & 0xf
  if (packet.flag_tc) return { said: "truncated" }
  if (rcode === 1 || extendedRcode(packet) !== 0) return { said: "no EDNS" }
  if (rcode !== 0 && rcode !== 3) return { said: "failure", why: rcodeNames[rcode] ?? `rcode ${rcode}` }
  const chain = follow(packet.answers ?? [], question)
  if (chain === undefined) return { said: "failure", why: "a loop of CNAME records" }
  const { owner, ttl, records } = chain
  const authentic = packet.flag_ad
  if (records.length > 0) return { said: "records", records, ttl, authentic }
  const negative = Math.min(ttl, negativeLife(packet))
  if (rcode === 3) return { said: "nothing", why: "no such name", ttl: negative, authentic }
  if (owner !== question.name && !hasSoa(packet)) return { said: "elsewhere", alias: owner, ttl, authentic }
  return { said: "nothing", why: "no such record", ttl: negative, authentic }
}

// RFC 6891 §6.1.3: BADVERS and others; RFC 6891 §7: servers that do not know EDNS say FORMERR.
function extendedRcode(packet: DecodedPacket): number {
  for (const record of packet.additionals ?? []) if (record.type === "OPT") return record.extendedRcode
  return 0
}

/** From the name asked for, over its CNAMEs, to the records of the type; undefined for a loop. */
function follow(answers: readonly Answer[], { name, type }: Question) {
  let owner = name
  let ttl = Number.POSITIVE_INFINITY
  for (let links = 0; links <= longestChain; links++) {
    const records = answers.filter((record) => record.type === type && lower(record.name) === owner)
    for (const record of records) ttl = Math.min(ttl, life(record))
    if (records.length > 0) return { owner, ttl, records }
    const alias = answers.find((record) => record.type === "CNAME" && lower(record.name) === owner)
    if (alias === undefined || alias.type !== "CNAME") return { owner, ttl, records }
    ttl = Math.min(ttl, life(alias))
    owner = lower(alias.data)
  }
  return undefined
}

function life(record: Answer): number {
  return "ttl" in record && record.ttl !== undefined ? record.ttl : 0
}

/** RFC 2308 §5: the SOA's own TTL or its MINIMUM, whichever is less. */
function negativeLife(packet: DecodedPacket): number {
  for (const record of packet.authorities ?? []) {
    if (record.type === "SOA") return Math.min(life(record), record.data.minimum ?? 0, longestNegative)
  }
  return negativeTtl
}

function hasSoa(packet: DecodedPacket): boolean {
  return (packet.authorities ?? []).some((record) => record.type === "SOA")
}

function lower(name: string): string {
  return name.toLowerCase().replace(/\.$/, "")
}
