// The public suite of ARC (test/fixtures/arc): its cases, and each scenario's keys as DNS.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Dns } from "../../src/mail/world.ts"

type Scenario<Case> = {
  readonly description: string
  readonly tests: Readonly<Record<string, Case>>
  readonly "txt-records": Readonly<Record<string, string>>
}

export type ValidationCase = {
  readonly description: string
  readonly message: string
  /** None, Pass, Fail; empty where the suite's own runner knows no answer. */
  readonly cv: string
}

const fixture = join(import.meta.dirname, "../fixtures/arc/validation.json")

/** The cases of validation. */
export const validations = JSON.parse(readFileSync(fixture, "utf8")) as readonly Scenario<ValidationCase>[] // the suite's own form
/** A message of the suite as it is on the wire. */
export function onTheWire(message: string): Buffer {
  return Buffer.from(message.replaceAll(/\r?\n/g, "\r\n"))
}

/** DNS that knows a scenario's keys; a record's lines are its strings, which have nothing between them. */
export function keysOf(scenario: Pick<Scenario<unknown>, "txt-records">): Dns["txt"] {
  const records = new Map(
    Object.entries(scenario["txt-records"]).map(([name, text]) => [name, text.replaceAll("\n", "")]),
  )
  return async (name) => {
    const text = records.get(name)
    return text === undefined
      ? { found: "nothing", why: "no such name", secure: false }
      : { found: "records", records: [text], secure: false, ttl: 60 }
  }
}
