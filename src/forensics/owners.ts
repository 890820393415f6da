// Whose domain is it: the part of a name that somebody registered, whether two names are of one owner, and what a name gives
// away of its host (a customer's line, a rented machine, a free-mail provider, a house whose name forgers like).

/** Second-level parts under which others register (`co.uk`): the commonest of the public suffixes, by country code. */
const registries: ReadonlySet<string> = new Set([
  "ac", "co", "com", "edu", "gob", "gov", "govt", "gouv", "ltd", "me", "mil", "ne", "net", "nhs", "nom", "or", "org", "plc", "police", "sch", "web", "id", "asn", "gen", "go", "ad", "gr", "lg", "ed", "blogspot", "nsw", "vic", "qld",
]) // biome-ignore format: a list

/** Words of two labels that are registries though they are no country's. */
const wholeRegistries: ReadonlySet<string> = new Set([
  "uk.com",
  "us.com",
  "eu.org",
  "eu.com",
  "de.com",
  "github.io",
])

/** The part of a name that its owner registered (RFC 7489 §3.2); the name itself when it has no dots or is an address. */
export function organisation(name: string): string {
  const lower = withoutDot(name.toLowerCase())
  const last = lower.lastIndexOf(".")
  const second = last <= 0 ? -1 : lower.lastIndexOf(".", last - 1)
  const final = lower.charCodeAt(lower.length - 1)
  if (second < 0 || (final >= 0x30 && final <= 0x39)) return lower
  const three =
    (lower.length - last === 3 && registries.has(lower.slice(second + 1, last))) ||
    wholeRegistries.has(lower.slice(second + 1))
  if (!three) return lower.slice(second + 1)
  const third = second <= 0 ? -1 : lower.lastIndexOf(".", second - 1)
  return third < 0 ? lower : lower.slice(third + 1)
}

function withoutDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name
}

/** Whether both names are of one owner, as far as names can tell. */
export function isOneOwner(a: string, b: string): boolean {
  return a === b || organisation(a) === organisation(b)
}

/** A name without meaning outside its own network: no dots, or a suffix that is nobody's (RFC 6762, RFC 8375). */
export function isInnerName(name: string): boolean {
  const lower = name.toLowerCase().replace(/\.$/, "")
  return (
    !lower.includes(".") ||
    /(?:^|\.)(?:local|localhost|localdomain|lan|internal|intranet|intern|home|corp|private|invalid|test)$/.test(
      lower,
    )
  )
}

/** A name that says: a customer's line with a changing address. */
export function isPoolName(name: string): boolean {
  const lower = name.toLowerCase()
  if (/(?:^|[.-])(?:mail|smtp|mx|mta|out|relay|static)\d*[.-]/.test(lower)) return false
  if (
    /(?:^|[.\-\d])(?:a?dsl|xdsl|ppp|pppoe|dial|dial-?up|dialin|dhcp|pool|dyn|dynamic|dynamicip|cpe|cable|catv|broadband|modem|wireless|customer|client|cust|user|host)(?:[.\-\d]|$)/.test(
      lower,
    )
  )
    return /\d/.test(lower)
  return digitsOfAddress(lower)
}

/** `170.175.173.185.isp.example`, `c-24-61-113-164.isp.example`: three numbers of an address in the name. */
function digitsOfAddress(lower: string): boolean {
  return /(?:^|[a-z.-])(?:\d{1,3}[.-]){3}\d{1,3}[.-]/.test(lower)
}

/** A name that says: a rented machine. */
export function isHostingName(name: string): boolean {
  return /(?:^|[.-])(?:vps|vserver|server|srv|host|cloud|dedicated|instance|ec2|droplet|web)-?\d+[.-]|\.(?:amazonaws|compute\.internal|linodeusercontent|contaboserver|hstgr|secureserver)\./.test(
    `${name.toLowerCase()}.`,
  )
}

const freeMail: ReadonlySet<string> = new Set(
  (
    "gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de ymail.com hotmail.com hotmail.co.uk hotmail.fr outlook.com live.com msn.com " +
    "aol.com aim.com icloud.com me.com mac.com gmx.de gmx.net gmx.com web.de mail.ru yandex.ru yandex.com rambler.ru inbox.ru list.ru bk.ru " +
    "protonmail.com proton.me pm.me zoho.com fastmail.com fastmail.fm mail.com email.com lycos.com excite.com netscape.net juno.com usa.net " +
    "163.com 126.com qq.com sina.com sohu.com naver.com daum.net libero.it virgilio.it tiscali.it laposte.net orange.fr free.fr t-online.de " +
    "freenet.de comcast.net verizon.net att.net sbcglobal.net bellsouth.net earthlink.net btinternet.com sky.com tutanota.com tuta.io hushmail.com"
  ).split(" "),
)

/** Anybody can have an address there. */
export function isFreeMail(domain: string): boolean {
  return freeMail.has(domain.toLowerCase()) || freeMail.has(organisation(domain))
}

/** Houses in whose name forgers like to write: money, parcels, shops, accounts, the state. */
const houses = (
  "paypal.com ebay.com ebay.co.uk ebay.de amazon.com amazon.co.uk amazon.de amazon.fr amazon.co.jp apple.com icloud.com microsoft.com office.com " +
  "google.com facebook.com facebookmail.com instagram.com whatsapp.com linkedin.com twitter.com x.com netflix.com spotify.com dropbox.com docusign.com " +
  "docusign.net adobe.com steampowered.com coinbase.com binance.com blockchain.com kraken.com metamask.io stripe.com square.com venmo.com " +
  "westernunion.com moneygram.com wise.com revolut.com klarna.com visa.com mastercard.com americanexpress.com aexp.com discover.com " +
  "chase.com jpmorgan.com jpmchase.com bankofamerica.com wellsfargo.com citi.com citibank.com citigroup.com usbank.com capitalone.com pnc.com " +
  "suntrust.com truist.com tdbank.com td.com schwab.com fidelity.com vanguard.com hsbc.com hsbc.co.uk barclays.com barclays.co.uk lloydsbank.com " +
  "lloydsbank.co.uk natwest.com rbs.co.uk rbs.com halifax.co.uk nationwide.co.uk santander.com santander.co.uk santander.es tsb.co.uk monzo.com " +
  "bbva.com bbva.es caixabank.es bankia.es deutsche-bank.de db.com commerzbank.de sparkasse.de postbank.de volksbank.de ing.com ing.de ing.nl " +
  "dkb.de n26.com comdirect.de rabobank.nl abnamro.nl bnpparibas.com bnpparibas.net societegenerale.fr credit-agricole.fr creditagricole.fr " +
  "labanquepostale.fr lcl.fr intesasanpaolo.com unicredit.it unicredit.eu poste.it ubs.com credit-suisse.com postfinance.ch raiffeisen.ch nordea.com " +
  "swedbank.se seb.se handelsbanken.se danskebank.dk dnb.no rbc.com royalbank.com scotiabank.com bmo.com cibc.com desjardins.com anz.com " +
  "commbank.com.au westpac.com.au nab.com.au itau.com.br bradesco.com.br bb.com.br caixa.gov.br icicibank.com hdfcbank.com sbi.co.in " +
  "irs.gov ssa.gov usps.com ups.com fedex.com dhl.com dhl.de dpd.com dpd.co.uk gls-group.eu royalmail.com postnl.nl deutschepost.de laposte.fr " +
  "canadapost.ca auspost.com.au hmrc.gov.uk gov.uk elster.de impots.gouv.fr verizon.com att.com t-mobile.com vodafone.com telekom.de o2.co.uk " +
  "walmart.com costco.com target.com bestbuy.com alibaba.com aliexpress.com booking.com airbnb.com expedia.com norton.com mcafee.com"
).split(" ")

const houseSet: ReadonlySet<string> = new Set(houses)

/** The house whose domain this is, or whose domain it lies in. */
export function houseOf(name: string): string | undefined {
  const lower = name.toLowerCase()
  if (houseSet.has(lower)) return lower
  const owner = organisation(lower)
  return houseSet.has(owner) ? owner : undefined
}

/** A house, or a free-mail provider: a name that a greeting borrows to look known. */
export function isKnownName(name: string): boolean {
  return houseOf(name) !== undefined || freeMail.has(organisation(name))
}

/** First labels of houses that are long enough to be told from other words: what look-alikes are compared with. */
export const houseWords: ReadonlyMap<string, string> = new Map(
  houses.flatMap((domain) => {
    const word = domain.split(".")[0] ?? ""
    return word.length >= 5 && word !== "discover" && word !== "target" && word !== "square"
      ? [[word, domain] as const]
      : []
  }),
)
