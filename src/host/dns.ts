// The resolver: /etc/hosts first, then the name servers, several and several times, each answer kept as long as it lives. "There is
// none" and "cannot tell" are two answers, and never mixed up.
import { isIPv4, isIPv6 } from "node:net"
import type { Answer } from "dns-packet"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Dns, DnsAnswer, MxRecord, TlsaRecord } from "../mail/world.ts"
import { Cache } from "./dns-cache.ts"
import { type NameserverAddress, parseNameserver, parseResolvConf, type ResolverConf } from "./dns-conf.ts"
import { askServer } from "./dns-exchange.ts"
import { isAskable, type Question, type QuestionType, type Said } from "./dns-message.ts"
import type { Hosts } from "./hosts.ts"

export type ResolverOptions = {
  /** The text of /etc/resolv.conf. */
  readonly resolvConf: string
  /** One server instead of those: "127.0.0.1:5353"; search and options of resolv.conf do not apply to it. */
  readonly resolver?: string | undefined
  readonly hosts?: Hosts | undefined
  /** Milliseconds to wait for one server, instead of what resolv.conf says. */
  readonly timeoutMs?: number
  /** Milliseconds for one question in all. */
  readonly budgetMs?: number
  /** Told of each question that the cache could not answer: MX, "records", and the milliseconds it took. */
  readonly asked?: ((type: string, found: string, milliseconds: number) => void) | undefined
}

/** The resolver for these settings, or what is wrong with them. */
export function resolverFrom(options: ResolverOptions): Result<Dns> {
  const conf = confFrom(options)
  return conf.ok ? ok(dnsOf(conf.value, options)) : conf
}

/** The resolver of these servers, which may be on any port. */
export function askFrom(servers: readonly NameserverAddress[], conf: Partial<ResolverConf> = {}): Dns {
  return dnsOf({ ...parseResolvConf(""), ...conf, servers }, {})
}

function dnsOf(
  conf: ResolverConf,
  { budgetMs, hosts: file, asked }: Pick<ResolverOptions, "budgetMs" | "hosts" | "asked">,
): Dns {
  const asker = new Asker(conf, budgetMs ?? 20_000, asked)
  const hosts = file?.table
  return {
    mx: (name) => mx(asker, name),
    addresses: async (name) => fromHosts(hosts?.().addresses.get(name)) ?? addresses(asker, name),
    ipv4: async (name) => records(await asker.ask({ name: folded(name), type: "A" }), nameOf),
    ipv6: async (name) => records(await asker.ask({ name: folded(name), type: "AAAA" }), nameOf),
    names: async (address) => fromHosts(hosts?.().names.get(address)) ?? pointers(asker, address),
    txt: async (name) => records(await asker.ask({ name: folded(name), type: "TXT" }), textOf),
    tlsa: async (name) => records(await asker.ask({ name: folded(name), type: "TLSA" }), tlsaOf),
    cname: async (name) => records(await asker.ask({ name: folded(name), type: "CNAME" }), nameOf),
  }
}

function confFrom({ resolvConf, resolver, timeoutMs }: ResolverOptions): Result<ResolverConf> {
  const named = resolver === undefined ? undefined : parseNameserver(resolver)
  if (named?.ok === false) return fail(named.error)
  const address = named?.value.address ?? ""
  const conf = parseResolvConf(named === undefined ? resolvConf : `nameserver ${address}`)
  return ok({
    ...conf,
    servers: named === undefined ? conf.servers : [named.value],
    timeoutMs: timeoutMs ?? conf.timeoutMs,
  })
}

function fromHosts(found: readonly string[] | undefined): DnsAnswer<string> | undefined {
  return found === undefined ? undefined : { found: "records", records: found, secure: false, ttl: 1 }
}

// RFC 6761 §6.3: localhost is this machine, and no name server is asked about it.
function isLocalhost(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost")
}

async function mx(asker: Asker, name: string): Promise<DnsAnswer<MxRecord>> {
  if (isLocalhost(name)) return { found: "nothing", why: "no such record", secure: false }
  return records(await asker.search(folded(name), "MX"), exchangeOf)
}

async function addresses(asker: Asker, name: string): Promise<DnsAnswer<string>> {
  if (isLocalhost(name)) return { found: "records", records: ["127.0.0.1"], secure: false, ttl: 1 }
  const [four, six] = await Promise.all([asker.search(folded(name), "A"), asker.search(folded(name), "AAAA")])
  return both(records(four, nameOf), records(six, nameOf))
}

/** What there is of either family; "nothing" only when both say so. */
function both(four: DnsAnswer<string>, six: DnsAnswer<string>): DnsAnswer<string> {
  if (four.found !== "records" || six.found !== "records") {
    if (four.found === "records") return four
    if (six.found === "records") return six
    return four.found === "unavailable" ? four : six
  }
  return {
    found: "records",
    records: [...four.records, ...six.records],
    secure: four.secure && six.secure,
    ttl: Math.min(four.ttl, six.ttl),
  }
}

async function pointers(asker: Asker, address: string): Promise<DnsAnswer<string>> {
  const name = reverseName(address)
  if (name === undefined) return { found: "nothing", why: "no such name", secure: false }
  return records(await asker.ask({ name, type: "PTR" }), nameOf)
}

/** RFC 1035 §3.5, RFC 3596 §2.5; undefined when it is no address. */
export function reverseName(address: string): string | undefined {
  if (isIPv4(address)) return `${address.split(".").toReversed().join(".")}.in-addr.arpa`
  if (!isIPv6(address)) return undefined
  const [head = "", tail] = withoutDots(address.replace(/%.*/, "")).split("::")
  const before = head === "" ? [] : head.split(":")
  const after = tail === undefined || tail === "" ? [] : tail.split(":")
  const gap = Array.from({ length: 8 - before.length - after.length }, () => "0")
  const nibbles = [...before, ...gap, ...after].map((group) => group.padStart(4, "0")).join("")
  return `${[...nibbles].toReversed().join(".").toLowerCase()}.ip6.arpa`
}

/** `::ffff:192.0.2.7` with its last part in hexadecimal. */
function withoutDots(address: string): string {
  const found = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  if (found === null) return address
  const [a = 0, b = 0, c = 0, d = 0] = found.slice(2).map(Number)
  return `${found[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

function folded(name: string): string {
  return name.toLowerCase().replace(/\.$/, "")
}

function nameOf(record: Answer): string | undefined {
  switch (record.type) {
    case "A":
    case "AAAA":
      return record.data
    case "PTR":
    case "CNAME":
      return folded(record.data)
    default:
      return undefined
  }
}

function exchangeOf(record: Answer): MxRecord | undefined {
  if (record.type !== "MX") return undefined
  const exchange = folded(record.data.exchange)
  return { preference: record.data.preference ?? 0, exchange: exchange === "" ? "." : exchange }
}

function tlsaOf(record: Answer): TlsaRecord | undefined {
  if (record.type !== "TLSA") return undefined
  const { usage, selector, matchingType, certificate } = record.data
  return { usage, selector, matching: matchingType, octets: Buffer.from(certificate) }
}

/** The strings of a TXT record are one text (RFC 7208 §3.3). */
function textOf(record: Answer): string | undefined {
  if (record.type !== "TXT") return undefined
  const parts = Array.isArray(record.data) ? record.data : [record.data]
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part))).toString(
    "utf8",
  )
}

function records<T>(answer: Known, read: (record: Answer) => T | undefined): DnsAnswer<T> {
  if (answer.found !== "records") return answer
  const found = answer.records.map(read).filter((record) => record !== undefined)
  return { ...answer, records: found }
}

type Known = DnsAnswer<Answer>

type Kept = { readonly answer: Known; readonly ttl: number }

const mostKept = 10_000
const longestTtl = 86_400
/** Seconds for which a failure is believed (RFC 2308 §7 allows five minutes). */
const failureTtl = 3
const mostAliases = 8

/** Asks the servers, keeps what they say, and asks nothing twice at a time. */
class Asker {
  readonly #conf: ResolverConf
  readonly #budgetMs: number
  readonly #asked: ResolverOptions["asked"]
  readonly #cache = new Cache<Known>(mostKept)
  readonly #asking = new Map<string, Promise<Known>>()
  #turn = 0

  constructor(conf: ResolverConf, budgetMs: number, asked: ResolverOptions["asked"]) {
    this.#conf = conf
    this.#budgetMs = budgetMs
    this.#asked = asked
  }

  /** A name with few dots is tried with the search list first, as the C library would. */
  async search(name: string, type: QuestionType): Promise<Known> {
    const dots = name.split(".").length - 1
    if (dots < this.#conf.ndots) {
      for (const suffix of this.#conf.search) {
        const answer = await this.ask({ name: `${name}.${suffix}`, type })
        if (answer.found !== "nothing") return answer
      }
    }
    return this.ask({ name, type })
  }

  ask(question: Question): Promise<Known> {
    const key = `${question.type} ${question.name}`
    const kept = this.#cache.get(key, performance.now())
    if (kept !== undefined) return Promise.resolve(aged(kept.value, kept.leftMs))
    const asking = this.#asking.get(key)
    if (asking !== undefined) return asking
    const answer = this.#askAndKeep(key, question).finally(() => this.#asking.delete(key))
    this.#asking.set(key, answer)
    return answer
  }

  async #askAndKeep(key: string, question: Question): Promise<Known> {
    if (!isAskable(question.name)) return { found: "nothing", why: "no such name", secure: false }
    const begun = performance.now()
    const { answer, ttl } = await this.#resolve(question)
    this.#asked?.(question.type, answer.found, performance.now() - begun)
    if (ttl > 0) this.#cache.set(key, answer, performance.now() + Math.min(ttl, longestTtl) * 1000)
    return answer
  }

  /** Follows aliases from answer to answer, where the server did not. */
  async #resolve(question: Question): Promise<Kept> {
    const until = performance.now() + this.#budgetMs
    let { name } = question
    let life = Number.POSITIVE_INFINITY
    let authentic = true
    for (let aliases = 0; aliases <= mostAliases; aliases++) {
      const said = await this.#askServers({ name, type: question.type }, until)
      if (said.said === "failure") return unavailable(said.why)
      life = Math.min(life, said.ttl)
      authentic &&= said.authentic
      if (said.said !== "elsewhere") return this.#known(said, life, authentic)
      name = said.alias
    }
    return unavailable("too many CNAME records")
  }

  #known(said: Told, ttl: number, authentic: boolean): Kept {
    const secure = authentic && this.#conf.trusted
    if (said.said === "records")
      return { answer: { found: "records", records: said.records, secure, ttl }, ttl }
    return { answer: { found: "nothing", why: said.why, secure }, ttl }
  }

  /** Every server in turn, as often as resolv.conf says, until one of them can tell. */
  async #askServers(question: Question, until: number): Promise<Told | Elsewhere | Failure> {
    const { attempts, timeoutMs } = this.#conf
    const servers = this.#servers()
    let why = "no time left"
    for (let round = 0; round < attempts; round++) {
      for (const server of servers) {
        const left = until - performance.now()
        if (left <= 0) return { said: "failure", why }
        const said = await askServer(server, question, Math.min(timeoutMs, left))
        if (said.said === "records" || said.said === "nothing" || said.said === "elsewhere") return said
        why = `${said.said === "failure" ? said.why : said.said} from ${server.address} port ${server.port}`
      }
    }
    return { said: "failure", why }
  }

  #servers(): readonly NameserverAddress[] {
    const { servers, rotate } = this.#conf
    if (!rotate) return servers
    const first = this.#turn++ % servers.length
    return [...servers.slice(first), ...servers.slice(0, first)]
  }
}

type Told = Extract<Said, { said: "records" | "nothing" }>
type Elsewhere = Extract<Said, { said: "elsewhere" }>
type Failure = Extract<Said, { said: "failure" }>

function unavailable(why: string): Kept {
  return { answer: { found: "unavailable", why }, ttl: failureTtl }
}

function aged(answer: Known, leftMs: number): Known {
  return answer.found === "records" ? { ...answer, ttl: Math.ceil(leftMs / 1000) } : answer
}
