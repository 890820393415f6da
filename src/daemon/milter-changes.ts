// What filters change in a message: fields of its header, its body, its envelope, or that it is set aside. Each filter's changes are
// made when it has ended well, all or none; each is a step of the message's trail.
import { type ForwardPath, parseMailbox, printPath } from "../mail/address.ts"
import { because, type Decision, type Reason } from "../mail/decision.ts"
import type { Recipient, Transaction } from "../mail/envelope.ts"
import { ok } from "../mail/result.ts"
import { readMailParameters, readRcptParameters } from "../smtp/extensions.ts"
import type { Parameter } from "../smtp/path.ts"
import type { Offers } from "../smtp/session.ts"
import type { Change } from "../trust/milter-answer.ts"
import type { HeldOctets } from "../trust/milter-body.ts"
import type { MilterUse } from "../trust/milter-definition.ts"
import {
  fieldFrom,
  type MilterField,
  type MilterFields,
  withAdded,
  withChanged,
  withInserted,
} from "../trust/milter-fields.ts"

/** A message as it is between two filters. */
export type Standing = {
  readonly fields: MilterFields
  /** Another body than the one that came. */
  readonly body: HeldOctets | undefined
  readonly tx: Transaction
  /** Why it is to be held. */
  readonly held: Reason | undefined
  readonly steps: readonly Reason[]
}

export type ChangeTools = {
  readonly use: MilterUse
  readonly leadingSpace: boolean
  readonly offers: Offers
  /** An address of ours or of others as RCPT would read it, without the question whether mail for it may come. */
  readonly read: (address: string) => Promise<Decision<ForwardPath>>
  readonly newBody: () => HeldOctets
}

/** The changes of one filter, as they come. */
export class Changes {
  readonly #tools: ChangeTools
  readonly #body: HeldOctets | undefined
  #now: Standing
  #replacing: HeldOctets | undefined
  /** The last octet of the new body, as it came. */
  #last = 0x0a

  constructor(before: Standing, tools: ChangeTools) {
    this.#now = before
    this.#body = before.body
    this.#tools = tools
  }

  get now(): Standing {
    return this.#now
  }

  /** The filter failed or refused: what it gave us of a body goes. */
  async drop(): Promise<void> {
    await this.#replacing?.close()
  }

  /** They are to stand: a body that was replaced goes. */
  async keep(): Promise<void> {
    if (this.#replacing === undefined) return
    if (this.#last !== 0x0a && this.#last !== 0x0d) await this.#replacing.write(Buffer.from("\r\n"))
    await this.#body?.close()
  }

  /** One change. */
  async make(change: Change): Promise<void> {
    switch (change.kind) {
      case "add header":
        return this.#field(change, (fields, field) => withAdded(fields, field))
      case "insert header":
        return this.#field(change, (fields, field) => withInserted(fields, change.index, field))
      case "change header":
        if (change.value === "") return this.#deleteField(change)
        return this.#field(change, (fields, field) =>
          withChanged(fields, change.index, { name: change.name, field }),
        )
      case "change from":
        return this.#changeFrom(change.address, change.parameters)
      case "add recipient":
        return this.#addRecipient(change.address, change.parameters)
      case "delete recipient":
        return this.#deleteRecipient(change.address)
      case "replace body":
        return this.#replaceBody(change.octets)
      case "quarantine": {
        const held = this.#step(`quarantines it: ${change.reason}`)
        this.#now = { ...this.#now, held }
        return
      }
    }
  }

  #field(
    change: Change & { readonly name: string; readonly value: string },
    put: (fields: MilterFields, field: MilterField) => MilterFields,
  ): void {
    const { kind, name, value } = change
    const field = fieldFrom(name, value, this.#tools.leadingSpace)
    if (field === undefined) return this.#inVain(`${kind}: "${shown(name)}" is no name of a field`)
    this.#step(`${kind}: ${shown(field.text)}`)
    this.#now = { ...this.#now, fields: put(this.#now.fields, field) }
  }

  #deleteField({ name, index }: { readonly name: string; readonly index: number }): void {
    this.#step(`delete header: ${shown(name)} ${Math.max(index, 1)}`)
    this.#now = { ...this.#now, fields: withChanged(this.#now.fields, index, { name, field: undefined }) }
  }

  #changeFrom(address: string, parameters: string): void {
    const bare = bareAddress(address)
    const path = bare === "" ? ok("null" as const) : parseMailbox(bare)
    const read = readMailParameters(parametersOf(parameters), this.#tools.offers)
    if (!path.ok) return this.#inVain(`change from ${shown(address)}: ${path.error}`)
    if (!read.ok) return this.#inVain(`change from ${shown(address)}: ${read.error.text.join(" ")}`)
    this.#step(`change from: <${bare}> ${parameters}`.trim())
    const { tx } = this.#now
    const { typedSender: _, ...before } = tx.envelope
    const { ret, envid } = read.value
    const envelope = {
      ...before,
      reversePath: path.value,
      ret: ret ?? before.ret,
      envid: envid ?? before.envid,
    }
    this.#now = { ...this.#now, tx: { ...tx, envelope } }
  }

  async #addRecipient(address: string, parameters: string): Promise<void> {
    const bare = bareAddress(address)
    const read = await this.#tools.read(bare)
    if (read.outcome !== "yes") return this.#inVain(`add recipient ${shown(address)}: ${read.reason.says}`)
    const given = readRcptParameters(parametersOf(parameters), this.#tools.offers)
    if (!given.ok) return this.#inVain(`add recipient ${shown(address)}: ${given.error.text.join(" ")}`)
    const known = printPath(read.value)
    if (this.#recipients.some(({ path }) => printPath(path) === known))
      return this.#inVain(`add recipient <${known}>: it is one already`)
    const admitted = this.#step(`add recipient: <${known}> ${parameters}`.trim())
    this.#setRecipients([...this.#recipients, { path: read.value, ...given.value, admitted }])
  }

  async #deleteRecipient(address: string): Promise<void> {
    const bare = bareAddress(address)
    const read = await this.#tools.read(bare)
    const names = new Set([bare, ...(read.outcome === "yes" ? [printPath(read.value)] : [])].map(folded))
    const left = this.#recipients.filter(({ path, typed }) => {
      return !names.has(folded(printPath(path))) && (typed === undefined || !names.has(folded(typed)))
    })
    if (left.length === this.#recipients.length)
      return this.#inVain(`delete recipient ${shown(address)}: there is none such`)
    this.#step(`delete recipient: <${bare}>`)
    this.#setRecipients(left)
  }

  async #replaceBody(octets: Buffer): Promise<void> {
    if (this.#replacing === undefined) {
      this.#replacing = this.#tools.newBody()
      this.#step("replace body")
      this.#now = { ...this.#now, body: this.#replacing }
    }
    await this.#replacing.write(withLineEnds(octets, this.#last === 0x0d))
    this.#last = octets.at(-1) ?? this.#last
  }

  get #recipients(): readonly Recipient[] {
    return this.#now.tx.envelope.recipients
  }

  #setRecipients(recipients: readonly Recipient[]): void {
    const { tx } = this.#now
    this.#now = { ...this.#now, tx: { ...tx, envelope: { ...tx.envelope, recipients } } }
  }

  #step(says: string): Reason {
    const { name, at } = this.#tools.use
    const reason = { ...because(`milter ${name}`, says, at), role: "changed" } as const
    this.#now = { ...this.#now, steps: [...this.#now.steps, reason] }
    return reason
  }

  /** A change that cannot be made is told, and the message goes on without it. */
  #inVain(says: string): void {
    const { name, at } = this.#tools.use
    const reason = { ...because(`milter ${name}`, `not done: ${says}`, at), role: "passed" } as const
    this.#now = { ...this.#now, steps: [...this.#now.steps, reason] }
  }
}

/** Every line end as CRLF: filters write bodies with LF alone, too (RFC 5321 §2.3.8). `afterCr`: the piece before ended in CR. */
export function withLineEnds(octets: Buffer, afterCr: boolean): Buffer {
  const out = Buffer.allocUnsafe(octets.length * 2)
  let length = 0
  let wasCr = afterCr
  for (const octet of octets) {
    const isCr = octet === 0x0d
    if (isCr || (octet === 0x0a && !wasCr)) {
      out[length++] = 0x0d
      out[length++] = 0x0a
    } else if (octet !== 0x0a) {
      out[length++] = octet
    }
    wasCr = isCr
  }
  return out.subarray(0, length)
}

function bareAddress(address: string): string {
  return address.trim().replace(/^<(.*)>$/, "$1")
}

function folded(address: string): string {
  const at = address.lastIndexOf("@")
  return at < 0 ? address.toLowerCase() : address.slice(0, at) + address.slice(at).toLowerCase()
}

function parametersOf(text: string): readonly Parameter[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => {
      const at = word.indexOf("=")
      return at < 0 ? { key: word, value: undefined } : { key: word.slice(0, at), value: word.slice(at + 1) }
    })
}

/** For the log and the trail: one line, not too long. */
function shown(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, " ")
  return line.length > 160 ? `${line.slice(0, 157)}...` : line
}
