// The header field that FEATURE(`forensics') puts on top of a message: the verdict and the strongest finding, on few lines.
import type { Judgement } from "./judgement.ts"
import { plain } from "./marked.ts"

/** The name of the field. */
export const fieldName = "X-Waypost-Forensics"

/** The whole field, with CRLF. */
export function writeField({ verdict, findings }: Judgement, host: string): string {
  const strongest = findings.find(({ severity }) => severity !== "info")
  const about = strongest === undefined ? "; nothing found" : `; ${strongest.check}=${strongest.severity}`
  const hop = strongest?.hop === undefined ? "" : ` hop=${strongest.hop}`
  const why = strongest === undefined ? "" : `\r\n\t(${ascii(strongest.explanation)})`
  return `${fieldName}: ${verdict} by ${host}${about}${hop}${why}\r\n`
}

/** Text fit for a comment (RFC 5322 §3.2.2). */
function ascii(text: string): string {
  return plain(text, 300)
    .replaceAll(/[^\x20-\x7e]/g, "?")
    .replaceAll(/[()\\]/g, "'")
}
