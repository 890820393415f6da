// Certificates from an authority by ACME (RFC 8555), with the proof HTTP-01 on a port of our own (§8.3): a small web server that lives
// only while the authority looks.
import { createServer, type Server } from "node:http"
import { Agent } from "node:https"
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { X509Certificate } from "node:crypto"
import { fail, ok, type Result } from "../mail/result.ts"

export type AcmeWish = {
  /** https://acme-v02.api.letsencrypt.org/directory */
  readonly directory: string
  readonly email: string | undefined
  /** The first one is the certificate's subject. */
  readonly names: readonly string[]
  readonly certificateFile: string
  readonly keyFile: string
  /** The account's key; made when it is not there. */
  readonly accountFile: string
  readonly http: { readonly port: number; readonly address?: string | undefined }
  /** The authority of the directory's own certificate, where that is none that everybody knows. */
  readonly authorityFile: string | undefined
}

/** A certificate is renewed so long before its end. */
const renewBefore = 30 * 86_400_000

/** Why a new certificate is due; undefined when the one that is there is good. */
export function dueReason(wish: Pick<AcmeWish, "certificateFile" | "names">, now: Date): string | undefined {
  const text = readIfThere(wish.certificateFile)
  if (text === undefined) return "there is none"
  try {
    const certificate = new X509Certificate(text)
    if (certificate.checkIssued(certificate)) return "the one that is there is signed by itself"
    const left = certificate.validToDate.getTime() - now.getTime()
    if (left < renewBefore) return `the one that is there ends ${certificate.validTo}`
    const other = wish.names.find((name) => certificate.checkHost(name) === undefined)
    return other === undefined ? undefined : `the one that is there is not for ${other}`
  } catch (error) {
    return `the one that is there cannot be read: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Gets a certificate and puts it and its key in their places; what was got, in a line. */
export async function obtainCertificate(wish: AcmeWish): Promise<Result<string>> {
  const proofs = new Map<string, string>()
  let server: Server | undefined
  try {
    server = await serveProofs(proofs, wish.http)
    return ok(await order(wish, proofs))
  } catch (error) {
    return fail(`${wish.directory}: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    server?.close()
    server?.closeAllConnections()
  }
}

async function order(wish: AcmeWish, proofs: Map<string, string>): Promise<string> {
  const { Client, crypto, axios } = await import("acme-client") // heavy, and needed every two months
  const { directory: directoryUrl, names, authorityFile } = wish
  if (authorityFile !== undefined)
    axios.defaults.httpsAgent = new Agent({ ca: readFileSync(authorityFile, "utf8") })
  const kept = readIfThere(wish.accountFile)
  const accountKey = kept ?? (await crypto.createPrivateEcdsaKey()).toString()
  write(wish.accountFile, accountKey, 0o600)
  const client = new Client({ directoryUrl, accountKey })
  if (kept !== undefined) await findAccount(client, wish.email)
  const [key, csr] = await crypto.createCsr({ altNames: [...names] }, await crypto.createPrivateEcdsaKey())
  const certificate = await client.auto({
    csr,
    termsOfServiceAgreed: true,
    ...(wish.email === undefined ? {} : { email: wish.email }),
    challengePriority: ["http-01"],
    skipChallengeVerification: true, // the authority looks from outside, which we cannot
    challengeCreateFn: async (_authorization, challenge, proof) => void proofs.set(challenge.token, proof),
    challengeRemoveFn: async (_authorization, challenge) => void proofs.delete(challenge.token),
  })
  // Key first: between the two, whoever reads them sees that they do not belong together, and keeps the old ones.
  write(wish.keyFile, key.toString(), 0o600)
  write(wish.certificateFile, certificate, 0o644)
  const { validTo, issuer } = new X509Certificate(certificate)
  return `${wish.certificateFile}: a certificate for ${names.join(", ")} by ${issuer.replaceAll("\n", ", ")}, good until ${validTo}`
}

type Account = {
  createAccount(wanted: { readonly onlyReturnExisting: true }): Promise<unknown>
  updateAccount(changed: { readonly contact: string[] }): Promise<unknown>
}

/**
 * The account of a key that was used before (RFC 8555 §7.3.1). To register it anew would end in an update of nothing, which
 * authorities refuse; where this authority does not know the key, it is registered with the order.
 */
async function findAccount(client: Account, email: string | undefined): Promise<void> {
  try {
    await client.createAccount({ onlyReturnExisting: true })
  } catch (error) {
    if (error instanceof Error && /account/i.test(error.message)) return
    throw error
  }
  if (email !== undefined) await client.updateAccount({ contact: [`mailto:${email}`] })
}

const place = "/.well-known/acme-challenge/"

function serveProofs(
  proofs: ReadonlyMap<string, string>,
  { port, address }: AcmeWish["http"],
): Promise<Server> {
  const server = createServer((request, response) => {
    const { url = "" } = request
    const proof = url.startsWith(place) ? proofs.get(url.slice(place.length)) : undefined
    response.writeHead(proof === undefined ? 404 : 200, { "content-type": "application/octet-stream" })
    response.end(proof ?? "nothing here\n")
  })
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(`port ${port} cannot be used for HTTP-01: ${error.code ?? error.message}`)),
    )
    server.listen({ port, ...(address === undefined ? {} : { host: address }) }, () => resolve(server))
  })
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}

/** Whole or not at all. */
function write(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  writeFileSync(`${path}.new`, text, { mode })
  renameSync(`${path}.new`, path)
}
