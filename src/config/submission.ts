// Where sendmail's submission program hands mail over: what FEATURE(`msp') of submit.mc says (cf/feature/msp.m4).
import { feature, type Settings, type SubmissionHop } from "./settings.ts"

/** The host and port of the server; undefined when this is no submission program's file. */
export function submissionHop(settings: Settings): SubmissionHop | undefined {
  const use = feature(settings, "msp")
  if (use === undefined) return undefined
  const [host = "", port = ""] = use.args
  return { host: host === "" ? "[localhost]" : host, port: portOf(port), at: use.at }
}

/** `MSA' is 587 (RFC 6409 §3.1); a number is ours; all else is 25, as for sendmail. */
function portOf(word: string): number {
  if (word === "MSA") return 587
  return /^\d{1,5}$/.test(word) && Number(word) > 0 && Number(word) < 65_536 ? Number(word) : 25
}

/** A name without brackets stands for its MX hosts, as everywhere in sendmail. */
export function asksForExchangers({ host }: SubmissionHop): boolean {
  return !host.startsWith("[") && host !== "localhost"
}

/** The name or address to connect to: without the brackets that spare it an MX lookup. */
export function hostOfHop({ host }: SubmissionHop): string {
  return host.replace(/^\[(?:IPv6:)?(.*)\]$/i, "$1")
}
