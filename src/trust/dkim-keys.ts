// The keys that sign: DIRECTORY/DOMAIN/SELECTOR.pem, two for each domain, RSA and Ed25519 (RFC 8463). The newest of each algorithm
// signs; selectors begin with a date, so the newest comes last in order. New ones are made here too.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { fail, ok, type Result } from "../mail/result.ts"
import type { SigningKey } from "./mailauth-requests.ts"

/** Keys by domain, in lower case. */
export type KeyRing = ReadonlyMap<string, readonly SigningKey[]>

/** RFC 8301 §3.2: signers SHOULD use at least 2048 bits; more does not fit a TXT string of old. */
const rsaBits = 2048

/** All keys of a directory; the error names the file that is wrong, or that cannot be read. */
export function readKeys(directory: string): Result<KeyRing> {
  try {
    const ring = new Map<string, readonly SigningKey[]>()
    for (const folder of readdirSync(directory, { withFileTypes: true })) {
      if (!folder.isDirectory()) continue
      const read = readDomain(join(directory, folder.name))
      if (!read.ok) return read
      if (read.value.length > 0) ring.set(folder.name.toLowerCase(), read.value)
    }
    return ok(ring)
  } catch (error) {
    return fail(`${directory}: ${why(error)}; waypost dkim new DOMAIN makes keys`)
  }
}

function readDomain(folder: string): Result<readonly SigningKey[]> {
  const newest = new Map<string, SigningKey>()
  for (const file of namesOf(folder)) {
    const path = join(folder, file)
    try {
      const key = signingKey(file.slice(0, -4).toLowerCase(), readFileSync(path, "utf8"))
      newest.set(key.algorithm, key)
    } catch (error) {
      return fail(`${path}: ${why(error)}`)
    }
  }
  return ok([...newest.values()])
}

function namesOf(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".pem"))
    .toSorted()
}

function signingKey(selector: string, pem: string): SigningKey {
  if (!isSelector(selector)) throw new Error(`"${selector}" is no selector`)
  return { selector, algorithm: algorithmOf(createPrivateKey(pem)), pem }
}

function algorithmOf(key: KeyObject): SigningKey["algorithm"] {
  const bits = key.asymmetricKeyDetails?.modulusLength
  switch (key.asymmetricKeyType) {
    case "rsa":
      if (bits !== undefined && bits < 1024)
        throw new Error(`an RSA key of ${bits} bits signs nothing (RFC 8301)`)
      return "rsa-sha256"
    case "ed25519":
      return "ed25519-sha256"
    default:
      throw new Error(`a key of type ${key.asymmetricKeyType ?? "?"} cannot sign: RSA and Ed25519 can`)
  }
}

/** Whether it can stand before ._domainkey (RFC 6376 §3.1). */
export function isSelector(text: string): boolean {
  return (
    text.length <= 63 &&
    /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(text)
  )
}

/** A record to publish. */
export type KeyRecord = { readonly name: string; readonly text: string }

/** The record of a key (RFC 6376 §3.6.1, RFC 8463 §4). */
export function recordOf(domain: string, { selector, algorithm, pem }: SigningKey): KeyRecord {
  const der = createPublicKey(pem).export({ type: "spki", format: "der" })
  const ed25519 = algorithm === "ed25519-sha256"
  const p = (ed25519 ? der.subarray(-32) : der).toString("base64")
  return {
    name: `${selector}._domainkey.${domain}`,
    text: `v=DKIM1; k=${ed25519 ? "ed25519" : "rsa"}; p=${p}`,
  }
}

/** Who shall be able to read the keys besides root. */
export type Owner = { readonly uid: number; readonly gid: number }

/** Makes both keys of a domain. A file that is there is never written over. */
export function makeKeys(
  directory: string,
  domain: string,
  selector: string,
  owner?: Owner,
): Result<readonly SigningKey[]> {
  const folder = join(directory, domain)
  try {
    const last = newestIn(folder)
    // Else the one before would go on signing.
    if (last !== undefined && last >= `${selector}r`)
      return fail(
        `${folder}: keys sign in the order of their names: take a --selector that comes after ${last}`,
      )
    mkdirSync(folder, { recursive: true, mode: 0o750 })
    if (owner !== undefined) {
      for (const path of [directory, folder]) chownSync(path, 0, owner.gid)
      chmodSync(folder, 0o750)
    }
    const pairs = [
      ["r", generateKeyPairSync("rsa", { modulusLength: rsaBits }).privateKey],
      ["e", generateKeyPairSync("ed25519").privateKey],
    ] as const
    return ok(pairs.map(([letter, key]) => keep(folder, `${selector}${letter}`, key, owner)))
  } catch (error) {
    return fail(`${folder}: ${why(error)}`)
  }
}

/** The last selector that is there. */
function newestIn(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined
  return namesOf(folder).at(-1)?.slice(0, -4).toLowerCase()
}

function keep(folder: string, selector: string, key: KeyObject, owner: Owner | undefined): SigningKey {
  const pem = key.export({ type: "pkcs8", format: "pem" }).toString()
  const path = join(folder, `${selector}.pem`)
  writeFileSync(path, pem, { mode: owner === undefined ? 0o600 : 0o640, flag: "wx" })
  if (owner !== undefined) chownSync(path, 0, owner.gid)
  return signingKey(selector, pem)
}

function why(error: unknown): string {
  const { code, path, message } = error as NodeJS.ErrnoException
  if (code === "EEXIST") return `${path ?? "it"} is there already: take another --selector`
  return code === "ENOENT" ? "there is no such directory" : message
}
