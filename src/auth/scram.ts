// SCRAM-SHA-256 (RFC 5802, RFC 7677): the messages and the arithmetic of both sides. The server keeps no password, only keys that
// a proof can be checked with; a client that knows the password proves it without saying it. With channel binding (-PLUS) the proof is
// good for this one TLS connection alone, so that nobody who stands in the middle can hand it on.
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto"

/** What a server keeps of a password. */
export type ScramVerifier = {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** More than the 4,096 of RFC 7677 §4, for the keys of a stolen file are guessed at by who has it. */
export const usualIterations = 65_536

/** More is not worked through for a server that asks for it: it would hold up all other mail. */
export const mostIterations = 300_000

/** The keys of a password. */
export function verifierOf(password: string, salt: Buffer, iterations = usualIterations): ScramVerifier {
  return verifierFrom(pbkdf2Sync(prepared(password), salt, iterations, 32, "sha256"), salt, iterations)
}

/** The same from the password as PBKDF2 has salted it, for who lets that be done elsewhere. */
export function verifierFrom(salted: Buffer, salt: Buffer, iterations: number): ScramVerifier {
  const storedKey = createHash("sha256").update(hmac(salted, "Client Key")).digest()
  return { iterations, salt, storedKey, serverKey: hmac(salted, "Server Key") }
}

/** SASLprep (RFC 4013) as far as it changes what people type: compatibility forms, blanks that are not plain ones. */
export function prepared(text: string): string {
  return text
    .replaceAll(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, " ")
    .replaceAll(/\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g, "")
    .normalize("NFKC")
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest()
}

/** The kind of channel binding that we know (RFC 9266): keys that both ends of a TLS 1.3 connection can export. */
export const tlsExporter = "tls-exporter"

export type ClientFirst = {
  /** "n,," or "p=tls-exporter,a=ann,": comes back in the last message, so that nobody changes it on the way. */
  readonly header: string
  /** RFC 5802 §6: "n", the client binds itself to no channel; "y", it could, and thinks that we cannot; "p=" and the kind. */
  readonly binding: string
  readonly authorization: string
  readonly login: string
  readonly nonce: string
  /** The message without its header. */
  readonly bare: string
}

/** Reads the client's first message; undefined when it is none. */
export function readClientFirst(message: string): ClientFirst | undefined {
  const found = /^((n|y|p=[A-Za-z0-9.-]+),(?:a=([^,]+))?,)(n=([^,]+),r=([!-+\--~]+)(?:,.*)?)$/u.exec(message)
  if (found === null) return undefined
  const [, header = "", binding = "", authorization, bare = "", name = "", nonce = ""] = found
  const login = unescaped(name)
  const acting = authorization === undefined ? "" : unescaped(authorization)
  return login === undefined || acting === undefined
    ? undefined
    : { header, binding, authorization: acting, login, nonce, bare }
}

// RFC 5802 §5.1: =2C and =3D stand for a comma and an equals sign, and no other equals sign may be there.
function unescaped(text: string): string | undefined {
  return /=(?!2C|3D)/.test(text) ? undefined : text.replaceAll("=2C", ",").replaceAll("=3D", "=")
}

function escaped(text: string): string {
  return text.replaceAll("=", "=3D").replaceAll(",", "=2C")
}

export function serverFirst(first: ClientFirst, ours: string, { salt, iterations }: ScramVerifier): string {
  return `r=${first.nonce}${ours},s=${salt.toString("base64")},i=${iterations}`
}

/** The server's side of an exchange that waits for the client's proof; `channel` is what it is bound to, or empty. */
export type ServerSide = {
  readonly first: ClientFirst
  readonly challenge: string
  readonly verifier: ScramVerifier
  readonly channel: Buffer
}

/** What the server says last when the proof is right; undefined when it is not. */
export function serverFinal(
  { first, challenge, verifier, channel }: ServerSide,
  message: string,
): string | undefined {
  const found = /^(c=([A-Za-z0-9+/=]+),r=([^,]+)(?:,[^p].*)?),p=([A-Za-z0-9+/=]+)$/.exec(message)
  if (found === null) return undefined
  const [, withoutProof = "", binding = "", nonce = "", proof = ""] = found
  if (!Buffer.from(binding, "base64").equals(boundTo(first.header, channel))) return undefined
  if (!challenge.startsWith(`r=${nonce},`)) return undefined
  const said = `${first.bare},${challenge},${withoutProof}`
  const claimed = xor(Buffer.from(proof, "base64"), hmac(verifier.storedKey, said))
  const key = createHash("sha256").update(claimed).digest()
  if (!timingSafeEqual(key, verifier.storedKey)) return undefined
  return `v=${hmac(verifier.serverKey, said).toString("base64")}`
}

/** RFC 5802 §7: cbind-input. */
function boundTo(header: string, channel: Buffer): Buffer {
  return Buffer.concat([Buffer.from(header, "utf8"), channel])
}

/** Octets beyond the shorter one's end count as wrong. */
function xor(a: Buffer, b: Buffer): Buffer {
  if (a.length !== b.length) return Buffer.alloc(b.length)
  return Buffer.from(b.map((octet, n) => octet ^ (a[n] ?? 0)))
}

/** The client's first message in its two parts, and what it binds itself to: empty where it does not. */
export type ClientSide = { readonly header: string; readonly bare: string; readonly channel: Buffer }

const noChannel = Buffer.alloc(0)

/** The client begins. `channel`: what it binds itself to, or the word of RFC 5802 §6 for why it does not. */
export function clientFirst(login: string, nonce: string, channel: Buffer | "n" | "y"): ClientSide {
  const bare = `n=${escaped(prepared(login))},r=${nonce}`
  return typeof channel === "string"
    ? { header: `${channel},,`, bare, channel: noChannel }
    : { header: `p=${tlsExporter},,`, bare, channel }
}

/** The client's last message and what the server must answer to it; a string that says what is wrong with the challenge. */
export function clientFinal(
  { header, bare, channel }: ClientSide,
  challenge: string,
  password: string,
): { readonly message: string; readonly expected: string } | string {
  const found = /^r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=(\d{1,9})(?:,.*)?$/.exec(challenge)
  const own = /r=([^,]+)$/.exec(bare)?.[1] ?? ""
  if (found === null) return "its challenge is none of SCRAM"
  const [, nonce = "", salt = "", count = ""] = found
  const iterations = Number(count)
  if (!nonce.startsWith(own) || nonce.length <= own.length) return "it repeats another nonce than ours"
  if (iterations < 4096) return `it asks for only ${iterations} iterations` // RFC 7677 §4
  if (iterations > mostIterations) return `it asks for ${iterations} iterations`
  const salted = pbkdf2Sync(prepared(password), Buffer.from(salt, "base64"), iterations, 32, "sha256")
  const clientKey = hmac(salted, "Client Key")
  const storedKey = createHash("sha256").update(clientKey).digest()
  const withoutProof = `c=${boundTo(header, channel).toString("base64")},r=${nonce}`
  const said = `${bare},${challenge},${withoutProof}`
  const proof = xor(clientKey, hmac(storedKey, said)).toString("base64")
  const expected = `v=${hmac(hmac(salted, "Server Key"), said).toString("base64")}`
  return { message: `${withoutProof},p=${proof}`, expected }
}
