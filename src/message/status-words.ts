// What an enhanced status code means to people (RFC 3463): sendmail's short words for logs and lists, and what the sender can do.
import type { EnhancedCode } from "../mail/reply.ts"

type Words = { readonly short: string; readonly advice: string }

const unknownUser =
  "There is no such mailbox at that host. Check the spelling of the address, then send again."
const unknownHost =
  "There is no such host that takes mail. Check what stands after the @ in the address, then send again."
const full = "The mailbox has no room. Send again later, or tell the recipient by another way."
const tooBig = "The message is larger than that host takes. Send less, or send it in parts."
const refused =
  "That host does not take this message. Its words above say why; the people who run it can tell more."
const late =
  "It was tried again and again until its time ran out. Send again when the host can be reached, or use another address."
const broken =
  "The two mail systems did not understand each other. The people who run them can find the cause."
const ours = "This mail system is set up wrongly for that address. Its postmaster has to mend it."

/** By subject and detail: the class (2, 4, 5) is the outcome, the rest is the matter. */
const matters: Readonly<Record<string, Words>> = {
  "1.1": { short: "User unknown", advice: unknownUser },
  "1.2": { short: "Host unknown", advice: unknownHost },
  "1.3": {
    short: "User unknown",
    advice: "That is no address that mail can be sent to. Check how it is written.",
  },
  "1.6": {
    short: "User unknown",
    advice: "The recipient has moved. The words above may say where to.",
  },
  "1.10": { short: "Host unknown", advice: "That domain takes no mail at all. Use another address." },
  "2.1": { short: "User unknown", advice: "The mailbox is closed. Use another address." },
  "2.2": { short: "Mailbox full", advice: full },
  "2.3": { short: "Message too large", advice: tooBig },
  "3.1": { short: "Insufficient disk space", advice: full },
  "3.4": { short: "Message too large", advice: tooBig },
  "3.5": { short: "Local configuration error", advice: ours },
  "4.1": { short: "Host unreachable", advice: late },
  "4.4": { short: "Host unknown", advice: unknownHost },
  "4.6": {
    short: "Local configuration error",
    advice: "The message went round in a circle. The postmasters of both hosts have to break it.",
  },
  "4.7": { short: "Message timed out", advice: late },
  "6.0": { short: "Data format error", advice: broken },
  "7.1": { short: "Service unavailable", advice: refused },
}

/** When only the subject is known. */
const subjects: Readonly<Record<string, Words>> = {
  "1": { short: "User unknown", advice: unknownUser },
  "2": { short: "Service unavailable", advice: refused },
  "3": { short: "Service unavailable", advice: refused },
  "4": { short: "Service unavailable", advice: late },
  "5": { short: "Remote protocol error", advice: broken },
  "6": {
    short: "Data format error",
    advice: "That host cannot take a message of this form. Send it in a simpler one.",
  },
  "7": { short: "Service unavailable", advice: refused },
}

const anything: Words = { short: "Service unavailable", advice: refused }

function wordsOf(status: EnhancedCode): Words {
  const matter = status.slice(2)
  return matters[matter] ?? subjects[matter.slice(0, matter.indexOf("."))] ?? anything
}

/** `User unknown`, `Host unknown`, `Service unavailable` …, as stat= and the transcript of a bounce have it. */
export function statusWords(status: EnhancedCode): string {
  return wordsOf(status).short
}

/** What the sender can do about it, in a sentence or two. */
export function statusAdvice(status: EnhancedCode): string {
  return wordsOf(status).advice
}
