// Whom a message's From: names, and what DMARC says of each of them. Who writes it may be no friend: readers of mail differ in which of
// several addresses they show.
import { checkDmarc, type DmarcVerdict, type DmarcWorld, noAuthor, type Voucher } from "../auth/dmarc.ts"
import { parseMailbox } from "../mail/address.ts"
import { angledAddresses, parseAddressList } from "../message/addresses.ts"
import { fields, type Header, valueOf } from "../message/header.ts"

/** Domains that are judged: each may cost nine questions to DNS. */
const mostAuthors = 5

/** The domains of all authors, each once. */
export function authorsOf(header: Header): readonly string[] {
  const domains = fields(header, "from").flatMap((field) => {
    const text = valueOf(header, field)
    return [...parseAddressList(text), ...angledAddresses(text)].map(({ address }) => domainOf(address))
  })
  return [...new Set(domains)]
}

function domainOf(address: string): string {
  const read = parseMailbox(address)
  if (read.ok && read.value.domain.kind === "name") return read.value.domain.ascii
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase()
}

/** RFC 9989 §5.3.1 leaves several authors to the receiver: each of them is judged. None: the message has no From: at all. */
export async function judgeAuthors(
  header: Header,
  vouchers: readonly Voucher[],
  world: DmarcWorld,
): Promise<readonly DmarcVerdict[]> {
  const authors = authorsOf(header)
  const verdicts = await Promise.all(
    authors.slice(0, mostAuthors).map((author) => checkDmarc(author, vouchers, world)),
  )
  const wrong = wrongFrom(fields(header, "from").length, authors.length)
  return wrong === undefined ? verdicts : [...verdicts, noAuthor(wrong)]
}

function wrongFrom(count: number, authors: number): string | undefined {
  if (count > 1) return `it has ${count} From: fields` // RFC 5322 §3.6: one; a signature may cover another than is shown
  if (authors > mostAuthors) return `its authors are of ${authors} domains, which is more than are judged`
  return count > 0 && authors === 0 ? "From: names nobody" : undefined
}
