// The certificate of a system that has none: where the configuration names files of the state directory that are not there yet, they
// are made at the start, so that mail is encrypted from the first day on. Files elsewhere are the operator's, and never made.
import { mkdirSync, statSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { option } from "../config/options.ts"
import { macro, type Settings } from "../config/settings.ts"
import { makeSelfSigned } from "../trust/self-signed.ts"
import type { Layout } from "./layout.ts"

/** Makes confSERVER_CERT and confSERVER_KEY if they are ours to make; what was done or went wrong, in a line. */
export function makeFirstCertificate(settings: Settings, { state }: Layout): string | undefined {
  const certificate = option(settings, "ServerCertFile")
  const key = option(settings, "ServerKeyFile")
  if (certificate === undefined || key === undefined) return undefined
  if (!isMissingOf(state, certificate) || !isMissingOf(state, key)) return undefined
  const name = macro(settings, "j") ?? "localhost"
  const made = makeSelfSigned([name.replaceAll(/[[\]]/g, "")], new Date())
  try {
    mkdirSync(dirname(certificate), { recursive: true, mode: 0o755 })
    mkdirSync(dirname(key), { recursive: true, mode: 0o755 })
    writeFileSync(key, made.key, { mode: 0o600, flag: "wx" })
    writeFileSync(certificate, made.certificate, { mode: 0o644 })
    return `${certificate}: a certificate for ${name}, signed by itself, was made`
  } catch (error) {
    return `${certificate}: no certificate could be made: ${error instanceof Error ? error.message : String(error)}`
  }
}

function isMissingOf(state: string, path: string): boolean {
  return path.startsWith(`${state}/`) && statSync(path, { throwIfNoEntry: false }) === undefined
}
