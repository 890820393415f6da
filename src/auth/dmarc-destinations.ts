// Where aggregate reports may be sent (RFC 9990 §3.5, §4): the addresses of rua=, and for those outside of the organization that asks
// whether they want to hear of it, for else anybody could have reports sent to anybody.
import { type Mailbox, parseMailbox } from "../mail/address.ts"
import { type AskTxt, organizationOf, walkUp } from "./alignment.ts"
import { type DmarcRecord, isDmarc, ruaOf } from "./dmarc-record.ts"

/** An address, or why none of it. */
export type Destination =
  | {
      readonly is: "wanted"
      readonly uri: string
      readonly mailbox: Mailbox
      readonly mostOctets: number | undefined
    }
  | { readonly is: "refused"; readonly uri: string; readonly why: string }
  /** DNS did not say: asked again later. */
  | { readonly is: "unknown"; readonly uri: string; readonly why: string }

/** RFC 9990 §3.5 lets receivers set a limit of two or more. */
const mostDestinations = 5

/** Looks at each address of a record that was found at `at`. */
export async function destinationsOf(
  at: string,
  record: DmarcRecord,
  txt: AskTxt,
): Promise<readonly Destination[]> {
  const found = await Promise.all(
    record.rua.slice(0, mostDestinations).map((uri) => destinationOf(at, uri, txt)),
  )
  return found.flat()
}

async function destinationOf(at: string, uri: string, txt: AskTxt): Promise<readonly Destination[]> {
  const read = readUri(uri)
  if (read.is !== "wanted") return [read]
  const host = hostOf(read.mailbox)
  const same = await isSameOrganization(at, host, txt)
  if (same === "unknown") return [{ is: "unknown", uri, why: `DNS does not say whose ${host} is` }]
  return same ? [read] : await outside(at, read, host, txt)
}

type Wanted = Destination & { readonly is: "wanted" }

/** `mailto:reports@example.org!10m` (RFC 9989 §4.7: obs-uri has the size). */
function readUri(uri: string): Wanted | (Destination & { readonly is: "refused" }) {
  const found = /^mailto:([^!?]+)(?:!(\d{1,15})([kmgt]?))?$/i.exec(uri)
  if (found === null) return { is: "refused", uri, why: "it is no mailto: address" }
  const [, address = "", number, unit = ""] = found
  const mailbox = parseMailbox(unescaped(address))
  if (!mailbox.ok || mailbox.value.domain.kind !== "name")
    return { is: "refused", uri, why: "its address is none" }
  const mostOctets = number === undefined ? undefined : Number(number) * (units[unit.toLowerCase()] ?? 1)
  return { is: "wanted", uri, mailbox: mailbox.value, mostOctets }
}

const units: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

function unescaped(text: string): string {
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function hostOf({ domain }: Mailbox): string {
  return domain.kind === "name" ? domain.ascii : domain.text
}

async function isSameOrganization(at: string, host: string, txt: AskTxt): Promise<boolean | "unknown"> {
  if (at === host) return true
  const [own, other] = await Promise.all([walkUp(at, txt), walkUp(host, txt)])
  const [ours, theirs] = [organizationOf(own), organizationOf(other)]
  return ours === undefined || theirs === undefined ? "unknown" : ours === theirs
}

/** RFC 9990 §4: the host says at AT._report._dmarc.HOST that it wants reports about AT, and may name another address of its own. */
async function outside(
  at: string,
  wanted: Wanted,
  host: string,
  txt: AskTxt,
): Promise<readonly Destination[]> {
  const { uri } = wanted
  const name = `${at}._report._dmarc.${host}`
  if (name.length > 253) return [{ is: "refused", uri, why: `${name} is too long for DNS` }]
  const answer = await txt(name)
  if (answer.found === "unavailable") return [{ is: "unknown", uri, why: `${name}: ${answer.why}` }]
  const records = answer.found === "records" ? answer.records.filter(isDmarc) : []
  if (records.length === 0) return [{ is: "refused", uri, why: `${name} does not say that it wants it` }]
  const instead = records.flatMap(ruaOf)
  if (instead.length === 0) return [wanted]
  return instead.slice(0, mostDestinations).map((other): Destination => {
    const read = readUri(other)
    if (read.is !== "wanted" || hostOf(read.mailbox) === host) return read
    return { is: "refused", uri: other, why: `${name} names it, which is of another host` }
  })
}
