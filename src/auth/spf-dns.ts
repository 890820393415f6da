// What SPF asks DNS, counted: ten terms may ask, two of them in vain, and not for longer than twenty seconds (RFC 7208 §4.6.4).
import type { Clock, Dns, DnsAnswer } from "../mail/world.ts"
import { hostOctets, type Octets } from "./ip.ts"

/** Name servers as SPF needs them; `ipv4` and `ipv6` where the resolver tells the families apart. */
export type SpfDns = Pick<Dns, "mx" | "addresses" | "names" | "txt" | "ipv4" | "ipv6">

/** The whole check is over: with this result, for this reason. */
export class SpfEnd {
  readonly result: "temperror" | "permerror"
  readonly why: string

  constructor(result: "temperror" | "permerror", why: string) {
    this.result = result
    this.why = why
  }
}

const mostTerms = 10
const mostVoids = 2
/** Addresses of exchangers and of names that are looked at for one term. */
export const mostNames = 10
const longest = 20_000

export class SpfQuestions {
  terms = 0
  voids = 0
  readonly #dns: SpfDns
  readonly #clock: Clock
  readonly #until: number

  constructor(dns: SpfDns, clock: Clock) {
    this.#dns = dns
    this.#clock = clock
    this.#until = clock() + longest
  }

  /** One more term asks. */
  count(): SpfEnd | undefined {
    if (++this.terms > mostTerms) return new SpfEnd("permerror", `more than ${mostTerms} terms ask DNS`)
    return this.#clock() > this.#until ? new SpfEnd("temperror", "it took longer than 20 seconds") : undefined
  }

  /** A term asked in vain. */
  countVoid(): SpfEnd | undefined {
    return ++this.voids > mostVoids
      ? new SpfEnd("permerror", `more than ${mostVoids} terms ask DNS in vain`)
      : undefined
  }

  /** Records of SPF and explanations. */
  txt(name: string): Promise<DnsAnswer<string>> {
    return this.#dns.txt(name)
  }

  mx(name: string) {
    return this.#dns.mx(name)
  }

  /** Names of an address; the same question in one check is asked once by the resolver's memory. */
  names(address: string): Promise<DnsAnswer<string>> {
    return this.#dns.names(address)
  }

  /** The addresses of a name that are of the client's family (RFC 7208 §5.3). */
  async addresses(name: string, family: 4 | 16): Promise<DnsAnswer<Octets>> {
    const own = family === 4 ? this.#dns.ipv4 : this.#dns.ipv6
    const answer = await (own === undefined ? this.#dns.addresses(name) : own(name))
    if (answer.found !== "records") return answer
    const records = answer.records.flatMap((record) => {
      const octets = hostOctets(record)
      return octets?.length === family ? [octets] : []
    })
    return records.length > 0
      ? { ...answer, records }
      : { found: "nothing", why: "no such record", secure: answer.secure }
  }
}
