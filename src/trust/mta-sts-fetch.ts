// Gets a domain's MTA-STS policy by HTTPS (RFC 8461 §3.3): from its own host, with a certificate that is good for it, no redirects.
import { fail, ok, type Result } from "../mail/result.ts"
import type { Dns } from "../mail/world.ts"
import { lookupWith } from "./dns-lookup.ts"
import type { StsFailure } from "./mta-sts.ts"

export type FetchWorld = {
  readonly dns: Pick<Dns, "addresses">
  /** PEM texts of authorities; none: those that Node brings. */
  readonly authorities: readonly string[]
  /** 443 but in tests. */
  readonly port?: number
}

/** RFC 8461 §3.3 suggests a minute; a policy is a few lines. */
const timeoutMs = 60_000
const mostOctets = 64 * 1024

/** The policy's text. */
export async function fetchPolicy(domain: string, world: FetchWorld): Promise<Result<string, StsFailure>> {
  const { request } = await import("node:https") // seldom needed
  const host = `mta-sts.${domain}`
  return new Promise((resolve) => {
    const failed = (why: string, result: StsFailure["result"] = "sts-policy-fetch-error") =>
      resolve(fail({ result, says: `https://${host}: ${why}` }))
    const asked = request({
      host,
      servername: host,
      port: world.port ?? 443,
      path: "/.well-known/mta-sts.txt",
      method: "GET",
      headers: { host, accept: "text/plain", "user-agent": "Waypost" },
      agent: false,
      lookup: lookupWith(world.dns),
      signal: AbortSignal.timeout(timeoutMs),
      minVersion: "TLSv1.2",
      ...(world.authorities.length === 0 ? {} : { ca: [...world.authorities] }),
    })
    asked.on("error", (error) =>
      failed(error.message, isOfCertificate(error) ? "sts-webpki-invalid" : undefined),
    )
    asked.on("response", (response) => {
      const wrong = unfit(response.statusCode, response.headers["content-type"])
      if (wrong !== undefined) {
        response.destroy()
        return failed(wrong)
      }
      const pieces: Buffer[] = []
      let length = 0
      response.on("data", (piece: Buffer) => {
        length += piece.length
        if (length <= mostOctets) return pieces.push(piece)
        response.destroy()
        return failed(`more than ${mostOctets} octets`)
      })
      response.on("end", () => resolve(ok(Buffer.concat(pieces).toString("latin1"))))
      response.on("error", (error) => failed(error.message))
    })
    asked.end()
  })
}

function unfit(status: number | undefined, type: string | undefined): string | undefined {
  // RFC 8461 §3.3: redirects are not followed, nothing but 200 counts.
  if (status !== 200) return `HTTP status ${status}`
  return /^text\/plain(?:[ \t;]|$)/i.test(type ?? "") ? undefined : `its type is ${type ?? "not told"}`
}

/** Node's codes for a certificate that is not good: those of OpenSSL's verification, and its own for the name. */
function isOfCertificate(error: NodeJS.ErrnoException): boolean {
  return /CERT|UNABLE_TO_|SIGNED|INVALID_CA|HOSTNAME_MISMATCH/.test(error.code ?? "")
}
