// One honest message for the tests of forensics, in pieces that they bend; and what is found in it.
import { openCase } from "../../src/forensics/case.ts"
import type { Check, Severity } from "../../src/forensics/finding.ts"
import type { Trust } from "../../src/forensics/hops.ts"
import { judge, type Judgement } from "../../src/forensics/judgement.ts"

/** Its hops, the newest first, and its other fields. */
export const top =
  "Received: from mail.napier.ac.uk (mail.napier.ac.uk [146.176.2.10])\n\tby grussell.org (8.17.1/8.17.1) with ESMTP id 6AO7Ag01100001\n\tfor <me@grussell.org>; Tue, 24 Nov 2026 07:10:42 +0000\n"
export const below =
  "Received: from pc236b.napier.ac.uk (pc236b.napier.ac.uk [146.176.7.7])\n\tby mail.napier.ac.uk (Postfix) with ESMTP id 4F12A9059D; Tue, 24 Nov 2026 08:10:40 +0100 (CET)\n"
export const rest =
  "Date: Tue, 24 Nov 2026 07:10:38 +0000\nFrom: Gordon <g.russell@napier.ac.uk>\nTo: me@grussell.org\nMessage-ID: <7.1@napier.ac.uk>\nSubject: Wow\n"

/** The judgement of a header. */
export function judged(text: string, trust: Trust = { receiver: "grussell.org" }): Judgement {
  return judge(openCase(Buffer.from(`${text}\nHi\n`), trust))
}

/** How strong the first finding of a check is, and about which hop. */
export function told(
  { findings }: Judgement,
  check: Check,
): { readonly severity: Severity; readonly hop: number | undefined } | undefined {
  const found = findings.find((one) => one.check === check)
  return found === undefined ? undefined : { severity: found.severity, hop: found.hop }
}
