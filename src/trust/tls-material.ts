// The files that TLS needs, read by whoever has the right to (the supervisor): certificates, keys, authorities, revocation lists. What
// is wrong with one of them is said, and TLS goes without it, as in sendmail.
import { createPrivateKey, X509Certificate } from "node:crypto"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { option } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { belongTogether } from "./self-signed.ts"
import { altNamesOf } from "./tls-facts.ts"
import type { KeyPair, NamedCertificate, TlsMaterial } from "./tls-options.ts"

type Name = Parameters<typeof option>[1]

/** Reads them all; `now` tells whether a certificate is still good. */
export function readTlsMaterial(settings: Settings, now: Date): TlsMaterial {
  const reading = new Reading(now)
  const text = (name: Name) => {
    const value = option(settings, name)
    return typeof value === "string" && value !== "" ? value : undefined
  }
  const server = reading.pairs(text("ServerCertFile"), text("ServerKeyFile"), "confSERVER_CERT")
  const directory = text("ServerCertDirectory")
  return {
    server,
    named: server.length === 0 || directory === undefined ? [] : reading.directory(directory),
    client: reading.pairs(text("ClientCertFile"), text("ClientKeyFile"), "confCLIENT_CERT"),
    authorities: [...reading.file(text("CACertFile")), ...reading.folder(text("CACertPath"), "CERTIFICATE")],
    revoked: [...reading.file(text("CRLFile")), ...reading.folder(text("CRLPath"), "X509 CRL")],
    ciphers: text("CipherList"),
    groups: text("TlsGroups"),
    dhParameters: reading.dhParameters(text("DHParameters")),
    options: words(text("ServerSSLOptions")),
    clientOptions: words(text("ClientSSLOptions")),
    noClientCertificate: words(text("TLSSrvOptions")).includes("V"),
    issues: reading.issues,
    fingerprint: reading.fingerprint(),
  }
}

function words(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(/[\s,]+/).filter((word) => word !== "")
}

/** A certificate is complained about so long before its end. */
const soon = 14 * 86_400_000

class Reading {
  readonly issues: string[] = []
  readonly #now: Date
  readonly #seen: string[] = []

  constructor(now: Date) {
    this.#now = now
  }

  fingerprint(): string {
    return this.#seen.join("\n")
  }

  /** Certificate and key; both may be several, with commas between (sendmail 8.16: one RSA, one EC). */
  pairs(certificates: string | undefined, keys: string | undefined, conf: string): readonly KeyPair[] {
    if (certificates === undefined && keys === undefined) return []
    const files = (certificates ?? "").split(",").map((file) => file.trim())
    const keyFiles = (keys ?? certificates ?? "").split(",").map((file) => file.trim())
    if (certificates === undefined || files.length !== keyFiles.length) {
      this.issues.push(`${conf}: certificates and keys are not as many: STARTTLS is not offered`)
      return []
    }
    const pairs: KeyPair[] = []
    for (const [n, file] of files.entries()) {
      const pair = this.#pair(file, keyFiles[n] ?? "")
      if (pair !== undefined) pairs.push(pair)
    }
    return pairs
  }

  #pair(certificateFile: string, keyFile: string): KeyPair | undefined {
    const certificate = this.#read(certificateFile)
    const key = this.#read(keyFile)
    if (certificate === undefined || key === undefined) return undefined
    try {
      const leaf = new X509Certificate(certificate)
      createPrivateKey(key)
      if (!belongTogether(leaf, key)) return this.#wrong(keyFile, `is not the key of ${certificateFile}`)
      this.#tellAge(leaf, certificateFile)
      return { certificate, key }
    } catch (error) {
      return this.#wrong(certificateFile, error instanceof Error ? error.message : String(error))
    }
  }

  #tellAge({ validToDate, validTo }: X509Certificate, file: string): void {
    const left = validToDate.getTime() - this.#now.getTime()
    if (left < 0) this.issues.push(`${file}: the certificate ended ${validTo}; clients that check it go away`)
    else if (left < soon) this.issues.push(`${file}: the certificate ends ${validTo}`)
  }

  #wrong(file: string, why: string): undefined {
    this.issues.push(`${file}: ${why}: it is not used`)
    return undefined
  }

  /** Files NAME.pem (or .crt) with NAME.key, and folders with fullchain.pem and privkey.pem, as ACME clients keep them. */
  directory(path: string): readonly NamedCertificate[] {
    const found: NamedCertificate[] = []
    for (const [certificate, key] of this.#pairsIn(path)) {
      const pair = this.#pair(certificate, key)
      if (pair !== undefined) found.push({ ...pair, names: namesOf(new X509Certificate(pair.certificate)) })
    }
    return found
  }

  #pairsIn(path: string): readonly (readonly [string, string])[] {
    const names = this.#list(path)
    const single = names.flatMap((name) => {
      const stem = /^(.+)\.(?:pem|crt)$/.exec(name)?.[1]
      return stem !== undefined && names.includes(`${stem}.key`)
        ? [[join(path, name), join(path, `${stem}.key`)] as const]
        : []
    })
    const folders = names
      .filter((name) => statSync(join(path, name, "fullchain.pem"), { throwIfNoEntry: false }) !== undefined)
      .map((name) => [join(path, name, "fullchain.pem"), join(path, name, "privkey.pem")] as const)
    return [...single, ...folders]
  }

  #list(path: string): readonly string[] {
    try {
      return readdirSync(path).toSorted()
    } catch (error) {
      this.#wrong(path, (error as NodeJS.ErrnoException).code ?? String(error))
      return []
    }
  }

  /** The text of a file, if one is named. */
  file(path: string | undefined): readonly string[] {
    const text = path === undefined ? undefined : this.#read(path)
    return text === undefined ? [] : [text]
  }

  /** Every PEM text of this kind in a folder; OpenSSL's links by hash name the same files, and do no harm. */
  folder(path: string | undefined, label: string): readonly string[] {
    if (path === undefined) return []
    const texts = this.#list(path)
      .filter((name) => /\.(?:pem|crt|cer|r?\d+)$/.test(name))
      .map((name) => join(path, name))
      .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
      .map((file) => this.#read(file) ?? "")
    return [...new Set(texts.filter((text) => text.includes(`-----BEGIN ${label}-----`)))]
  }

  /** A file of parameters; 1024, 2048 and auto, which sendmail knows too, are what OpenSSL chooses by itself. */
  dhParameters(value: string | undefined): string | undefined {
    return value === undefined || !value.startsWith("/") ? undefined : this.#read(value)
  }

  #read(path: string): string | undefined {
    try {
      const { mtimeMs, size, ino } = statSync(path)
      this.#seen.push(`${path} ${ino} ${mtimeMs} ${size}`)
      return readFileSync(path, "latin1")
    } catch (error) {
      return this.#wrong(path, (error as NodeJS.ErrnoException).code ?? String(error))
    }
  }
}

/** One certificate and its key, read now by whoever asks: the process itself has to have the right to. */
export function readKeyPair(certificate: string, key: string, now: Date): Result<KeyPair> {
  const reading = new Reading(now)
  const [pair] = reading.pairs(certificate, key, "CertFile=")
  return pair === undefined ? fail(reading.issues.join("; ")) : ok(pair)
}

/** The names a certificate is for. */
function namesOf({ subject, subjectAltName }: X509Certificate): readonly string[] {
  const names = altNamesOf(subjectAltName)
  const common = /^CN=(.+)$/m.exec(subject)?.[1]
  return names.length > 0 || common === undefined ? names : [common.toLowerCase()]
}
