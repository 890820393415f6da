// What this machine has to be for mail: room on the disk, a clock that is right, certificates that others believe.
import { X509Certificate } from "node:crypto"
import { readFileSync, statfsSync } from "node:fs"
import { option } from "../config/options.ts"
import { macro, type Settings } from "../config/settings.ts"
import type { Health } from "./api.ts"

const day = 86_400_000
/** This program was built after that, so no clock that is right is before it. */
const builtAfter = Date.UTC(2026, 0, 1)

/** The file system that queue and mail are on. */
export function diskHealth(state: string): Health {
  const name = "disk"
  try {
    const { bavail, blocks, bsize, ffree, files } = statfsSync(state)
    const free = blocks === 0 ? 1 : bavail / blocks
    const inodes = files === 0 ? 1 : ffree / files
    const says = `${sizeOf(bavail * bsize)} (${percent(free)}) and ${percent(inodes)} of the inodes free for queue and mail`
    const least = Math.min(free, inodes)
    if (least > 0.1) return { name, state: "ok", says }
    const todo =
      inodes < free
        ? `few inodes are left: remove small files from the disk of ${state}`
        : `make room on the disk of ${state}: mail is refused for a while (452) when it is full, and flows again by itself`
    return { name, state: least > 0.03 ? "warning" : "bad", says, todo }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { name, state: "bad", says: why, todo: `is ${state} there, and may the console read it?` }
  }
}

function sizeOf(octets: number): string {
  const gib = octets / 2 ** 30
  return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${Math.round(octets / 2 ** 20)} MiB`
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`
}

/** The time, and whether somebody keeps it right. */
export function clockHealth(now: number, kept: boolean | undefined): Health {
  const name = "clock"
  const time = `${new Date(now).toISOString().slice(0, 19).replace("T", " ")} UTC`
  if (now < builtAfter)
    return {
      name,
      state: "bad",
      says: `it says ${time}, which is before this program was made`,
      todo: "set the clock: dates of mail and of signatures are wrong, and certificates are not believed",
    }
  if (kept === undefined)
    return { name, state: "unknown", says: `${time}; this system does not tell whether it is kept right` }
  if (kept) return { name, state: "ok", says: `${time}, kept right by the network` }
  return {
    name,
    state: "warning",
    says: `${time}; nobody keeps it right`,
    todo: "run chrony or systemd-timesyncd: a clock that drifts breaks dates, signatures and certificates",
  }
}

/** Those that other hosts and browsers are shown. */
export function certificateHealth(settings: Settings, now: number): readonly Health[] {
  const host = macro(settings, "j")
  const server = option(settings, "ServerCertFile")
  const own = option(settings, "ConsoleCertFile")
  return [
    ...(server === undefined
      ? [noCertificate]
      : server.split(",").map((file) => certificateAt(file.trim(), host, now))),
    ...(own === undefined
      ? []
      : [{ ...certificateAt(own, undefined, now), name: "certificate of the console" }]),
  ]
}

const noCertificate: Health = {
  name: "certificate",
  state: "warning",
  says: "no certificate of the site's own: STARTTLS shows one that nobody can check, or none",
  todo: "confACME_DIRECTORY gets one by itself; or name yours with confSERVER_CERT and confSERVER_KEY (docs/tls.md)",
}

function certificateAt(file: string, host: string | undefined, now: number): Health {
  const name = "certificate"
  try {
    const certificate = new X509Certificate(readFileSync(file))
    return { name, ...judged(certificate, { file, host, now }) }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return {
      name,
      state: "bad",
      says: `${file}: ${why}`,
      todo: `openssl x509 -noout -text -in ${file} tells more; others cannot use TLS with us before it is right`,
    }
  }
}

type Judged = { readonly file: string; readonly host: string | undefined; readonly now: number }

function judged(certificate: X509Certificate, { file, host, now }: Judged): Omit<Health, "name"> {
  const days = Math.floor((Date.parse(certificate.validTo) - now) / day)
  const renew = "renew it, then waypost reload; confACME_DIRECTORY renews by itself"
  if (Date.parse(certificate.validFrom) > now)
    return {
      state: "bad",
      says: `${file} is good only from ${certificate.validFrom}`,
      todo: "is the clock right? else take one that is good now",
    }
  if (days < 0) return { state: "bad", says: `${file} ended ${-days} days ago`, todo: renew }
  if (host !== undefined && certificate.checkHost(host) === undefined)
    return {
      state: "warning",
      says: `${file} is not for ${host}, the name that others find us by`,
      todo: `get one whose names include ${host}`,
    }
  const says = `${file} is good for ${days} more ${days === 1 ? "day" : "days"}`
  if (days >= 14) return { state: "ok", says }
  return { state: days < 3 ? "bad" : "warning", says, todo: renew }
}
