// The macros of sendmail that check rulesets look at, from what we know of client, session and envelope.
import { printDomain, printPath } from "../mail/address.ts"
import type { Arrival, Client } from "../mail/arrival.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Settings } from "../config/settings.ts"

/** Of the client and how it came. */
export function arrivalMacros(arrival: Arrival, settings: Settings): Readonly<Record<string, string>> {
  const { client, helo, protocol, authenticated, authType, door, tlsFacts: tls } = arrival
  const address = client?.address ?? "127.0.0.1"
  const name = client?.name ?? `[${address}]`
  const daemon = settings.daemons.find((one) => one.name === door)
  const certificate = tls?.certificate
  return {
    client_addr: address,
    client_name: client === undefined ? "localhost" : name,
    client_ptr: client?.name ?? client?.forged ?? "",
    client_port: String(client?.port ?? 0),
    client_resolve: resolution(client),
    _: client === undefined ? "localhost" : whoCame(client),
    s: helo ?? "",
    r: protocol,
    auth_authen: authType === undefined ? "" : (authenticated ?? ""),
    auth_type: authType ?? "",
    auth_ssf: authType === undefined ? "" : "0",
    daemon_name: door,
    daemon_flags: daemon === undefined ? "" : [...daemon.modify].join(" "),
    tls_version: tls?.version ?? "",
    cipher: tls?.cipher ?? "",
    cipher_bits: tls === undefined ? "" : String(tls.bits),
    alg_bits: tls === undefined ? "" : String(tls.bits),
    verify: tls?.verify ?? "NONE",
    cert_subject: certificate?.subject ?? "",
    cert_issuer: certificate?.issuer ?? "",
    cn_subject: certificate?.cnSubject ?? "",
    cn_issuer: certificate?.cnIssuer ?? "",
    cert_fp: certificate?.fingerprint ?? "",
  }
}

function whoCame({ name, forged, address }: Client): string {
  const shown = `${name ?? forged ?? ""} [${address}]`.trim()
  return name === undefined && forged !== undefined ? `${shown} (may be forged)` : shown
}

function resolution(client: Client | undefined): string {
  if (client === undefined || client.name !== undefined) return "OK"
  if (client.unsure === true) return "TEMP"
  return client.forged === undefined ? "FAIL" : "FORGED"
}

/** Of the sender and how many recipients there are. */
export function pathMacros({
  reversePath,
  recipients,
  submitter,
}: Envelope): Readonly<Record<string, string>> {
  const address = printPath(reversePath)
  return {
    f: address === "" ? "<>" : address,
    mail_addr: address === "" ? "<>" : address,
    mail_host: reversePath === "null" ? "" : printDomain(reversePath.domain),
    nrcpts: String(recipients.length),
    auth_author: submitter ?? "",
  }
}
