// MTA-STS (RFC 8461): which policy a domain has, kept on disk for as long as it says. A policy that is kept binds until it expires,
// whatever happens to DNS or the web server meanwhile: that is the point of it.
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fail, type Result } from "../mail/result.ts"
import type { Clock, Dns, DnsAnswer } from "../mail/world.ts"
import { parsePolicy, recordId, type StsMode, type StsPolicy } from "./mta-sts-policy.ts"

/** A policy as it is kept. */
export type KeptPolicy = {
  readonly domain: string
  readonly id: string
  readonly policy: StsPolicy
  /** Milliseconds since 1970. */
  readonly fetchedAt: number
}

/** What binds mail for a domain now, and how that is known. */
export type StsFound = {
  readonly policy: StsPolicy | undefined
  readonly says: string
  /** Why a policy that is announced could not be had. */
  readonly failure?: StsFailure | undefined
}

/** RFC 8460 §4.3.2.2 */
export type StsFailure = {
  readonly result: "sts-policy-fetch-error" | "sts-policy-invalid" | "sts-webpki-invalid"
  readonly says: string
}

export type StsWorld = {
  /** The folder of policies. */
  readonly directory: string
  readonly dns: Pick<Dns, "txt">
  readonly clock: Clock
  readonly fetch: (domain: string) => Promise<Result<string, StsFailure>>
  readonly log: (line: string) => void
}

/** RFC 8461 §3.3: a fetch that failed is not repeated at once. */
const failureMs = 5 * 60_000
/** A policy in use is looked at anew once a day, so that it does not run out (RFC 8461 §10.2). */
const refreshMs = 24 * 3_600_000
const mostKept = 10_000

/** Owns the policies that are kept. */
export class StsPolicies {
  readonly #world: StsWorld
  readonly #kept = new Map<string, KeptPolicy | "none">()
  readonly #failed = new Map<string, { readonly until: number; readonly why: StsFailure }>()
  readonly #fetching = new Map<string, Promise<StsFailure | undefined>>()

  constructor(world: StsWorld) {
    this.#world = world
    mkdirSync(world.directory, { recursive: true, mode: 0o700 })
  }

  /** The policy for mail to this domain. Never rejects: what cannot be had is as if there were none, unless one is kept. */
  async find(domain: string): Promise<StsFound> {
    const kept = this.#alive(domain)
    const answer = await this.#world.dns.txt(`_mta-sts.${domain}`)
    const id = answer.found === "records" ? recordId(answer.records) : undefined
    if (id === undefined) {
      if (kept === undefined) return { policy: undefined, says: withoutRecord(domain, answer) }
      return { policy: kept.policy, says: `${shown(kept)}, kept though its record cannot be had now` }
    }
    if (kept?.id === id) {
      if (kept.fetchedAt + Math.min(refreshMs, (kept.policy.maxAge * 1000) / 2) < this.#world.clock())
        void this.#fetch(domain, id)
      return { policy: kept.policy, says: shown(kept) }
    }
    const why = await this.#fetch(domain, id)
    const now = this.#alive(domain)
    if (now === undefined)
      return {
        policy: undefined,
        says: `no MTA-STS policy of ${domain}: ${why?.says ?? "none"}`,
        failure: why,
      }
    return {
      policy: now.policy,
      says: why === undefined ? shown(now) : `${shown(now)}, the one before: ${why.says}`,
    }
  }

  /** Why there is no new policy; undefined: there is. Asked once at a time, and not again soon after a failure. */
  #fetch(domain: string, id: string): Promise<StsFailure | undefined> {
    const failed = this.#failed.get(domain)
    if (failed !== undefined && failed.until > this.#world.clock()) return Promise.resolve(failed.why)
    const fetching = this.#fetching.get(domain)
    if (fetching !== undefined) return fetching
    const begun = this.#fetchOnce(domain, id).finally(() => this.#fetching.delete(domain))
    this.#fetching.set(domain, begun)
    return begun
  }

  async #fetchOnce(domain: string, id: string): Promise<StsFailure | undefined> {
    const { clock, fetch, log } = this.#world
    const text = await fetch(domain)
    const read = text.ok ? parsed(text.value) : text
    if (!read.ok) {
      if (this.#failed.size >= mostKept) this.#failed.clear()
      this.#failed.set(domain, { until: clock() + failureMs, why: read.error })
      log(`MTA-STS: no policy of ${domain}: ${read.error.says}`)
      return read.error
    }
    this.#failed.delete(domain)
    this.#keep({ domain, id, policy: read.value, fetchedAt: clock() })
    return undefined
  }

  #alive(domain: string): KeptPolicy | undefined {
    const known = this.#kept.get(domain) ?? this.#read(domain)
    if (known === "none") return undefined
    if (known.fetchedAt + known.policy.maxAge * 1000 > this.#world.clock()) return known
    this.#kept.set(domain, "none")
    rmSync(this.#path(domain), { force: true })
    return undefined
  }

  #read(domain: string): KeptPolicy | "none" {
    const known = readKept(this.#path(domain), domain) ?? "none"
    if (this.#kept.size >= mostKept) this.#kept.clear()
    this.#kept.set(domain, known)
    return known
  }

  #keep(kept: KeptPolicy): void {
    this.#kept.set(kept.domain, kept)
    const path = this.#path(kept.domain)
    try {
      writeFileSync(`${path}.new`, JSON.stringify(kept), { mode: 0o600 })
      renameSync(`${path}.new`, path)
    } catch (error) {
      // It binds as long as we run.
      this.#world.log(`MTA-STS: ${path}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** A domain may be longer than a file's name. */
  #path(domain: string): string {
    return join(
      this.#world.directory,
      `${createHash("sha256").update(domain).digest("hex").slice(0, 32)}.json`,
    )
  }
}

function withoutRecord(domain: string, answer: DnsAnswer<string>): string {
  return answer.found === "unavailable"
    ? `DNS does not say whether ${domain} has an MTA-STS record: ${answer.why}`
    : `${domain} has no MTA-STS record`
}

function parsed(text: string): Result<StsPolicy, StsFailure> {
  const read = parsePolicy(text)
  return read.ok ? read : fail({ result: "sts-policy-invalid", says: read.error })
}

function shown({ domain, policy, id }: KeptPolicy): string {
  return `MTA-STS policy of ${domain} (id ${id}): ${policy.mode}, mx ${policy.mx.join(", ") || "none"}`
}

/** What is on disk; undefined: nothing that makes sense, which is as nothing. */
function readKept(path: string, domain: string): KeptPolicy | undefined {
  try {
    const read: unknown = JSON.parse(readFileSync(path, "utf8"))
    return isKept(read) && read.domain === domain ? read : undefined
  } catch {
    return undefined
  }
}

function isKept(value: unknown): value is KeptPolicy {
  if (typeof value !== "object" || value === null) return false
  const { domain, id, fetchedAt, policy } = value as Partial<KeptPolicy>
  if (typeof domain !== "string" || typeof id !== "string" || typeof fetchedAt !== "number") return false
  const modes: readonly (StsMode | undefined)[] = ["enforce", "testing", "none"]
  return (
    typeof policy?.maxAge === "number" &&
    modes.includes(policy.mode) &&
    Array.isArray(policy.mx) &&
    policy.mx.every((one) => typeof one === "string")
  )
}
