// Is all well with what mail depends on: the mail system itself, disk, DNS, the clock, certificates, our own DNS records; each with
// what to do when it is not. What takes long is looked at beside, and never makes the page wait.
import type { Settings } from "../config/settings.ts"
import type { Clock, Dns } from "../mail/world.ts"
import type { Health } from "./api.ts"
import { lookAtDns } from "./health-dns.ts"
import { certificateHealth, clockHealth, diskHealth } from "./health-machine.ts"

export type HealthParts = {
  readonly settings: () => Settings | undefined
  readonly state: string
  readonly dns: Dns
  readonly clock: Clock
  /** Whether somebody keeps the clock right; undefined: cannot be seen. */
  readonly clockIsKept: () => boolean | undefined
  /** Whether the mail system answers: nothing, or why not. */
  readonly mail: () => Promise<string | undefined>
}

/** Milliseconds for which an answer of DNS is good enough here: a good one, and one that says that something is to be done. */
const dnsFor = { well: 300_000, troubled: 60_000 }
/** Milliseconds that a page waits for DNS. */
const dnsPatience = 150

const asking: readonly Health[] = [{ name: "DNS", state: "unknown", says: "is being asked" }]

/** Looks when it is asked. */
export function makeHealth(parts: HealthParts): () => Promise<readonly Health[]> {
  const dns = new DnsLook(parts)
  return async () => {
    const [mail, records] = await Promise.all([mailHealth(parts), dns.look()])
    const now = parts.clock()
    const settings = parts.settings()
    return [
      mail,
      diskHealth(parts.state),
      ...records,
      clockHealth(now, parts.clockIsKept()),
      ...(settings === undefined ? [] : certificateHealth(settings, now)),
    ]
  }
}

async function mailHealth({ mail }: HealthParts): Promise<Health> {
  const why = await mail()
  return why === undefined
    ? { name: "mail", state: "ok", says: "the mail system answers" }
    : { name: "mail", state: "bad", says: why, todo: "look at its log; waypost start begins it anew" }
}

/** The newest that DNS has said; asked again when that is too old. */
class DnsLook {
  readonly #parts: HealthParts
  #found: readonly Health[] = asking
  #until = 0
  #asking: Promise<void> | undefined

  constructor(parts: HealthParts) {
    this.#parts = parts
  }

  async look(): Promise<readonly Health[]> {
    if (this.#parts.clock() >= this.#until) {
      this.#asking ??= this.#ask().finally(() => (this.#asking = undefined))
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, dnsPatience)
      await Promise.race([this.#asking, promise])
      clearTimeout(timer)
    }
    return this.#found
  }

  async #ask(): Promise<void> {
    this.#found = await lookAtDns(this.#parts)
    const well = this.#found.every(({ state }) => state === "ok")
    this.#until = this.#parts.clock() + (well ? dnsFor.well : dnsFor.troubled)
  }
}
