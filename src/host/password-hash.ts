// What is kept of a password in the users file: a hash that costs whoever guesses (scrypt), and the keys that SCRAM-SHA-256 is checked
// with, each in PHC's form, with a blank between them.
import { pbkdf2, randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto"
import { promisify } from "node:util"
import { prepared, type ScramVerifier, usualIterations, verifierFrom } from "../auth/scram.ts"

type Cost = { readonly ln: number; readonly r: number; readonly p: number }

/** OWASP's least: 128 MiB of work in 2^17 rounds is too much for a mail server's login; 32 MiB, three lanes is its equal. */
const cost: Cost = { ln: 15, r: 8, p: 3 }
const keyLength = 32

const deriveByPbkdf2 = promisify(pbkdf2)

/** `$scrypt$ln=15,r=8,p=3$salt$hash $scram-sha-256$i=65536$salt$stored$server`, each time with new salts. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password, salt, cost)
  const { ln, r, p } = cost
  const slow = `$scrypt$ln=${ln},r=${r},p=${p}$${base64(salt)}$${base64(key)}`
  return `${slow} ${printVerifier(await deriveVerifier(password, randomBytes(16)))}`
}

/** The keys of SCRAM-SHA-256, worked out in another thread. */
export async function deriveVerifier(password: string, salt: Buffer): Promise<ScramVerifier> {
  const salted = await deriveByPbkdf2(prepared(password), salt, usualIterations, 32, "sha256")
  return verifierFrom(salted, salt, usualIterations)
}

/** Whether the password is the one of this hash; false for an empty or unreadable hash, at once. */
export async function checkPassword(password: string, hash: string): Promise<boolean> {
  const read = readHash(hash)
  if (read === undefined) return false
  return timingSafeEqual(await derive(password, read.salt, read.cost), read.key)
}

/** Whether a password can be held against it, so that checkPassword takes its time. */
export function isHash(hash: string): boolean {
  return readHash(hash) !== undefined
}

type Hash = { readonly cost: Cost; readonly salt: Buffer; readonly key: Buffer }

function readHash(hash: string): Hash | undefined {
  const [, ln, r, p, salt = "", key = ""] =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]{43})$/.exec(
      hash.split(" ").find((part) => part.startsWith("$scrypt$")) ?? "",
    ) ?? []
  const asked = { ln: Number(ln), r: Number(r), p: Number(p) }
  if (key === "" || asked.ln > 20 || asked.ln < 1 || asked.r < 1 || asked.r > 32 || asked.p < 1)
    return undefined
  return { cost: asked, salt: Buffer.from(salt, "base64"), key: Buffer.from(key, "base64") }
}

/** A hash of nobody's password: checking against it takes as long as against anybody's. */
export const nobodysHash = `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(randomBytes(16))}$${base64(randomBytes(keyLength))}`

/** What SCRAM-SHA-256 needs of this hash; undefined where it was made before there was any. */
export function verifierIn(hash: string): ScramVerifier | undefined {
  const [, count = "", salt = "", stored = "", server = ""] =
    /(?:^| )\$scram-sha-256\$i=(\d{4,7})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]{43})\$([A-Za-z0-9+/]{43})(?: |$)/.exec(
      hash,
    ) ?? []
  if (count === "") return undefined
  return {
    iterations: Number(count),
    salt: Buffer.from(salt, "base64"),
    storedKey: Buffer.from(stored, "base64"),
    serverKey: Buffer.from(server, "base64"),
  }
}

function printVerifier({ iterations, salt, storedKey, serverKey }: ScramVerifier): string {
  return `$scram-sha-256$i=${iterations}$${base64(salt)}$${base64(storedKey)}$${base64(serverKey)}`
}

function derive(password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> {
  const N = 2 ** ln
  const options: ScryptOptions = { N, r, p, maxmem: 256 * N * r }
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFC"), salt, keyLength, options, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}

function base64(octets: Buffer): string {
  return octets.toString("base64").replaceAll("=", "")
}
