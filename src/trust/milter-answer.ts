// What a filter said, understood: verdicts, replies of its own, changes. Nonsense is a failure of the filter, never a yes.
import { type EnhancedCode, reply, type Reply } from "../mail/reply.ts"
import { type Packet, readStrings } from "./milter-wire.ts"

/** The end of a question. */
export type Answer =
  | { readonly kind: "continue" | "accept" | "discard" | "skip" | "reject" | "tempfail" | "close" }
  | { readonly kind: "reply"; readonly reply: Reply }
  | { readonly kind: "failed"; readonly why: string }

/** What is to be changed, at the end of a message. */
export type Change =
  | { readonly kind: "add header"; readonly name: string; readonly value: string }
  | { readonly kind: "insert header"; readonly index: number; readonly name: string; readonly value: string }
  | { readonly kind: "change header"; readonly index: number; readonly name: string; readonly value: string }
  | { readonly kind: "change from"; readonly address: string; readonly parameters: string }
  | { readonly kind: "add recipient"; readonly address: string; readonly parameters: string }
  | { readonly kind: "delete recipient"; readonly address: string }
  | { readonly kind: "replace body"; readonly octets: Buffer }
  | { readonly kind: "quarantine"; readonly reason: string }

export type Understood = Answer | Change | { readonly kind: "progress" }

/** A packet of the filter. */
export function understand({ letter, octets }: Packet): Understood {
  switch (letter) {
    case "a":
      return { kind: "accept" }
    case "c":
      return { kind: "continue" }
    case "d":
      return { kind: "discard" }
    case "f": // SMFIR_CONN_FAIL
    case "t":
      return { kind: "tempfail" }
    case "p":
      return { kind: "progress" }
    case "r":
      return { kind: "reject" }
    case "s":
      return { kind: "skip" }
    case "4":
      return { kind: "close" }
    case "y":
      return ownReply(readStrings(octets)[0] ?? "")
    default:
      return change(letter, octets)
  }
}

function change(letter: string, octets: Buffer): Change | Answer {
  const [first, second = ""] = readStrings(octets)
  switch (letter) {
    case "b":
      return { kind: "replace body", octets }
    case "h":
      return first === undefined ? nonsense(letter) : { kind: "add header", name: first, value: second }
    case "i":
      return indexed("insert header", letter, octets)
    case "m":
      return indexed("change header", letter, octets)
    case "e":
      return first === undefined
        ? nonsense(letter)
        : { kind: "change from", address: first, parameters: second }
    case "+":
    case "2":
      return first === undefined
        ? nonsense(letter)
        : { kind: "add recipient", address: first, parameters: second }
    case "-":
      return first === undefined ? nonsense(letter) : { kind: "delete recipient", address: first }
    case "q":
      return { kind: "quarantine", reason: first ?? "" }
    default:
      return nonsense(letter)
  }
}

function indexed(kind: "insert header" | "change header", letter: string, octets: Buffer): Change | Answer {
  if (octets.length < 5) return nonsense(letter)
  const [name, value = ""] = readStrings(octets.subarray(4))
  return name === undefined ? nonsense(letter) : { kind, index: octets.readUInt32BE(), name, value }
}

function nonsense(letter: string): Answer {
  return { kind: "failed", why: `it answered "${/[!-~]/.test(letter) ? letter : "?"}", which makes no sense` }
}

/** `550 5.7.1 No`, or several lines `550-5.7.1 No`; a percent sign is written twice (smfi_setreply). */
export function ownReply(text: string): Answer {
  const lines = text.split(/\r?\n/).filter((line) => line !== "")
  const read = lines.map((line) => /^([45]\d\d)(?:[ -](?:([45]\.\d{1,3}\.\d{1,3})(?: |$))?(.*))?$/.exec(line))
  const [first] = read
  if (first === undefined || first === null || read.some((one) => one === null || one[1] !== first[1]))
    return { kind: "failed", why: "its own reply is no SMTP reply" }
  const status = first[2] as EnhancedCode | undefined
  if (status !== undefined && status[0] !== first[1]?.[0])
    return { kind: "failed", why: "its own reply contradicts itself" }
  const texts = read.map((one) => (one?.[3] ?? "").replaceAll("%%", "%"))
  return { kind: "reply", reply: reply(Number(first[1]), status, ...texts) }
}

/** Whether a question ends with it. */
export function isAnswer(one: Understood): one is Answer {
  switch (one.kind) {
    case "continue":
    case "accept":
    case "discard":
    case "skip":
    case "reject":
    case "tempfail":
    case "close":
    case "reply":
    case "failed":
      return true
    default:
      return false
  }
}
