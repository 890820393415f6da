// The TLSRPT record of a domain (RFC 8460 §3): where it wants to have reports about TLS with its hosts.

/** A place for reports. */
export type ReportPlace =
  | { readonly by: "mail"; readonly address: string }
  | { readonly by: "https"; readonly url: string }

/** More than these of one domain are not served. */
const mostPlaces = 5

/** The places that the TXT records at _smtp._tls.DOMAIN name; none where there is no record, or more than one (§3). */
export function reportPlaces(texts: readonly string[]): readonly ReportPlace[] {
  const records = texts.filter((text) => /^v[ \t]*=[ \t]*TLSRPTv1[ \t]*;/.test(text))
  const [record, ...more] = records
  if (record === undefined || more.length > 0) return []
  for (const field of record.split(";").slice(1)) {
    const found = /^[ \t]*rua[ \t]*=(.*)$/.exec(field)
    if (found === null) continue
    const [, list = ""] = found
    return list.split(",").flatMap(placeOf).slice(0, mostPlaces)
  }
  return []
}

function placeOf(text: string): readonly ReportPlace[] {
  const uri = text.trim()
  const mail = /^mailto:([^?]+)/i.exec(uri)?.[1]
  if (mail !== undefined) {
    const address = decoded(mail)
    return address === undefined ? [] : [{ by: "mail", address }]
  }
  return /^https:/i.test(uri) && URL.canParse(uri) ? [{ by: "https", url: new URL(uri).href }] : []
}

/** Commas and exclamation points are written %2C and %21 in these (§3). */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined // a lone per cent sign: it is no URI
  }
}
