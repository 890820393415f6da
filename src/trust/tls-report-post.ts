// Gives a TLS report to the web server that its domain names (RFC 8460 §5.4). A stranger writes that URL, so it leads to nobody on this
// machine or in its own networks.
import { isIP } from "node:net"
import { kindOf } from "../forensics/ip-kinds.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Dns } from "../mail/world.ts"
import { lookupWith } from "./dns-lookup.ts"

/** A report waits for a server no longer than this; what it answers is not read beyond its first lines. */
const timeoutMs = 60_000

export type PostWorld = {
  readonly dns: Pick<Dns, "addresses">
  /** Whether a web server may have this address; those of the Internet may when absent. */
  readonly mayReach?: ((address: string) => boolean) | undefined
}

/** POSTs it. Whatever certificate the server shows: that its TLS is broken may be what the report says (§3). */
export async function postReport(
  url: string,
  packed: Buffer,
  { dns, mayReach = isOnInternet }: PostWorld,
): Promise<Result<void>> {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, "$1")
  if (isIP(host) !== 0 && !mayReach(host)) return fail(`${url}: ${host} is not to be asked`)
  const { request } = await import("node:https") // seldom needed
  return new Promise((resolve) => {
    const asked = request(url, {
      method: "POST",
      headers: {
        "content-type": "application/tlsrpt+gzip",
        "content-length": packed.length,
        "user-agent": "Waypost",
      },
      agent: false,
      lookup: lookupWith(dns, mayReach),
      signal: AbortSignal.timeout(timeoutMs),
      minVersion: "TLSv1.2",
      rejectUnauthorized: false,
    })
    asked.on("error", (error) => resolve(fail(`${url}: ${error.message}`)))
    asked.on("response", (response) => {
      response.destroy()
      const { statusCode = 0 } = response
      const taken = statusCode >= 200 && statusCode < 300
      resolve(taken ? ok(undefined) : fail(`${url}: HTTP status ${statusCode}`))
    })
    asked.end(packed)
  })
}

function isOnInternet(address: string): boolean {
  return kindOf(address) === "public"
}
