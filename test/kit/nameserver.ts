// A small real DNS server on a loopback address for tests: UDP and TCP, answers from a zone written in the test, and lies on request.
import { createSocket, type Socket as UdpSocket } from "node:dgram"
import { once } from "node:events"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { type Answer, decode, encode, type Packet, type RecordType, streamEncode } from "dns-packet"

/** What is known of one name. `fail` answers every question about it that way. */
export type ZoneEntry = {
  readonly MX?: readonly (readonly [number, string])[]
  readonly A?: readonly string[]
  readonly AAAA?: readonly string[]
  readonly TXT?: readonly string[]
  readonly PTR?: string
  readonly CNAME?: string
  /** "truncate": the answer over UDP is empty with TC set; over TCP it is whole. */
  readonly fail?: "SERVFAIL" | "REFUSED" | "FORMERR" | "silent" | "truncate"
  readonly ttl?: number
}

export type Zone = Readonly<Record<string, ZoneEntry>>

export type NameserverOptions = {
  readonly address?: string
  /** Sets the AD bit of every answer: "verified by DNSSEC". */
  readonly authentic?: boolean
  /** Leaves CNAMEs unresolved, as a server that does not recurse. */
  readonly bare?: boolean
  /** What is sent over UDP instead of (or before) the right answer. */
  readonly lie?: (right: Packet) => readonly Packet[]
  /** Pretends not to know EDNS: FORMERR to any query that has an OPT record. */
  readonly noEdns?: boolean
}

export type Nameserver = {
  readonly address: string
  readonly port: number
  /** "127.0.0.1:5353", as --resolver takes it. */
  readonly resolver: string
  /** "MX grussell.org" for each question that came, in order; over TCP "tcp MX grussell.org". */
  readonly queries: string[]
  /** The source ports of the questions over UDP. */
  readonly sources: number[]
  /** Replaces the zone. */
  set(zone: Zone): void
  close(): Promise<void>
}

const rcodes = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5, FORMERR: 1 } as const

/** Starts a name server that knows this zone and nothing else: names outside it do not exist. */
export async function startNameserver(first: Zone, options: NameserverOptions = {}): Promise<Nameserver> {
  let zone = first
  const address = options.address ?? "127.0.0.1"
  const queries: string[] = []
  const sources: number[] = []
  const { udp, tcp, port } = await bindBoth(address)
  udp.on("message", (bytes, from) => {
    const question = decode(bytes)
    queries.push(name(question))
    sources.push(from.port)
    const right = answer(zone, question, options, "udp")
    if (right === undefined) return
    for (const packet of options.lie?.(right) ?? [right]) udp.send(encode(packet), from.port, from.address)
  })
  const open = new Set<Socket>()
  tcp.on("connection", (socket) => {
    open.add(socket)
    socket.on("close", () => open.delete(socket))
    socket.on("error", () => socket.destroy())
    serveTcp(socket, (question) => {
      queries.push(`tcp ${name(question)}`)
      return answer(zone, question, options, "tcp")
    })
  })
  return {
    address,
    port,
    resolver: address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`,
    queries,
    sources,
    set: (next) => {
      zone = next
    },
    close: async () => {
      for (const socket of open) socket.destroy()
      const closed = [once(udp, "close"), once(tcp, "close")]
      udp.close()
      tcp.close()
      await Promise.all(closed)
    },
  }
}

async function bindBoth(address: string): Promise<{ udp: UdpSocket; tcp: Server; port: number }> {
  for (let attempt = 0; ; attempt++) {
    const tcp = createServer()
    tcp.listen(0, address)
    await once(tcp, "listening")
    const { port } = tcp.address() as AddressInfo
    const udp = createSocket(address.includes(":") ? "udp6" : "udp4")
    udp.bind(port, address)
    const bound = await once(udp, "listening").then(
      () => true,
      () => false, // another program has that port over UDP: take the next
    )
    if (bound) return { udp, tcp, port }
    tcp.close()
    if (attempt > 20) throw new Error("no port is free for both UDP and TCP")
  }
}

function serveTcp(socket: Socket, reply: (question: Packet) => Packet | undefined): void {
  let pending: Buffer = Buffer.alloc(0)
  socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 2 && pending.length >= pending.readUInt16BE(0) + 2) {
      const length = pending.readUInt16BE(0)
      const packet = reply(decode(pending.subarray(2, length + 2)))
      pending = pending.subarray(length + 2)
      if (packet !== undefined) socket.write(streamEncode(packet))
    }
  })
}

function name(question: Packet): string {
  const asked = question.questions?.[0]
  return `${asked?.type} ${asked?.name}`
}

function answer(
  zone: Zone,
  question: Packet,
  options: NameserverOptions,
  over: "udp" | "tcp",
): Packet | undefined {
  const asked = question.questions?.[0]
  if (asked === undefined) return undefined
  const owner = asked.name.toLowerCase()
  const fail = zone[owner]?.fail
  if (fail === "silent") return undefined
  const base = {
    type: "response" as const,
    id: question.id ?? 0,
    questions: [asked],
    answers: [] as Answer[],
    authorities: [] as Answer[],
  }
  const bits = 0x80 | 0x100 | (options.authentic === true ? 0x20 : 0) // RA, RD, AD
  const edns = (question.additionals ?? []).some((record) => record.type === "OPT")
  if (options.noEdns === true && edns) return { ...base, flags: bits | rcodes.FORMERR }
  if (fail === "truncate" && over === "udp") return { ...base, flags: bits | 0x200 }
  if (fail !== undefined && fail !== "truncate") return { ...base, flags: bits | rcodes[fail] }
  const { answers, end } = follow(zone, owner, asked.type, options.bare === true)
  if (answers.some((record) => record.type === asked.type)) return { ...base, answers, flags: bits }
  if (end === undefined) return { ...base, answers, flags: bits }
  const missing = !exists(zone, end) ? rcodes.NXDOMAIN : 0
  return { ...base, answers, authorities: [soa(owner, zone[owner]?.ttl ?? 300)], flags: bits | missing }
}

/** The CNAME chain from a name to its records. `end` is where it led, undefined when a chain was left unresolved. */
function follow(zone: Zone, owner: string, type: RecordType, bare: boolean) {
  const answers: Answer[] = []
  let at = owner
  for (let links = 0; links < 20; links++) {
    const entry = zone[at]
    const ttl = entry?.ttl ?? 300
    if (entry?.CNAME === undefined || type === "CNAME") {
      answers.push(...records(at, entry, type, ttl))
      return { answers, end: at }
    }
    answers.push({ type: "CNAME", name: at, ttl, data: entry.CNAME })
    if (bare) return { answers, end: undefined }
    at = entry.CNAME.toLowerCase()
  }
  return { answers, end: undefined }
}

function records(owner: string, entry: ZoneEntry | undefined, type: RecordType, ttl: number): Answer[] {
  if (entry === undefined) return []
  switch (type) {
    case "MX":
      return (entry.MX ?? []).map(([preference, exchange]) => {
        return { name: owner, ttl, type: "MX", data: { preference, exchange } }
      })
    case "A":
    case "AAAA":
      return (entry[type] ?? []).map((data) => ({ name: owner, ttl, type, data }))
    case "TXT":
      return (entry.TXT ?? []).map((text) => ({ name: owner, ttl, type: "TXT", data: split(text) }))
    case "PTR":
    case "CNAME":
      return entry[type] === undefined ? [] : [{ name: owner, ttl, type, data: entry[type] }]
    default:
      return []
  }
}

/** A TXT record is strings of at most 255 octets. */
function split(text: string): string[] {
  return text.match(/.{1,255}/gs) ?? [""]
}

/** A name that has names below it exists too, without records (RFC 8020). */
function exists(zone: Zone, owner: string): boolean {
  return zone[owner] !== undefined || Object.keys(zone).some((key) => key.endsWith(`.${owner}`))
}

function soa(owner: string, ttl: number): Answer {
  const data = {
    mname: "ns.test",
    rname: "hostmaster.test",
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum: ttl,
  }
  return { type: "SOA", name: owner, ttl, data }
}
