// Terms of an SPF record as sentences.
import type { Directive, Mechanism } from "./spf-record.ts"

const says: Readonly<Record<Directive["qualifier"], string>> = {
  "+": "may send",
  "-": "may not send",
  "~": "should not send (softfail)",
  "?": "may or may not send (neutral)",
}

/** `ip4:192.0.2.0/24: addresses in 192.0.2.0/24 may send`. */
export function spfTermInWords({ qualifier, mechanism, text }: Directive, domain: string): string {
  return `${text}: ${whom(mechanism, text, domain)} ${says[qualifier]}`
}

function whom(mechanism: Mechanism, text: string, domain: string): string {
  switch (mechanism.is) {
    case "all":
      return "everybody else"
    case "ip4":
    case "ip6":
      return `addresses in ${text.slice(text.indexOf(":") + 1)}`
    case "a":
      return `the addresses of ${mechanism.domain?.text ?? domain}`
    case "mx":
      return `the mail exchangers of ${mechanism.domain?.text ?? domain}`
    case "ptr":
      return `hosts with a name in ${mechanism.domain?.text ?? domain}`
    case "include":
      return `whom ${mechanism.domain.text} lets send`
    case "exists":
      return `those for whom ${mechanism.domain.text} exists`
  }
}
