// One DNS list asked for one address, for people who want to know: the answer, its meaning, and the list's own text.
import type { PolicyWorld } from "./world.ts"
import { codeOf, placeToLook } from "./dnsbl-codes.ts"
import { answerOf, reversed, textOf } from "./dnsbl.ts"

export type ListingAnswer = {
  readonly server: string
  readonly address: string
  readonly is: "listed" | "not listed" | "silent"
  readonly records: readonly string[]
  readonly says: string
}

/** Asks the list. Its errors (127.255.255.x) and silence are "silent": they tell nothing of the address. */
export async function lookUp(
  server: string,
  address: string,
  world: Pick<PolicyWorld, "dns" | "patience">,
): Promise<ListingAnswer> {
  const asked = `${reversed(address)}.${server}`
  const answer = await answerOf(asked, world)
  const common = { server, address, records: answer.found === "records" ? answer.records : [] }
  if (answer.found === "nothing") return { ...common, is: "not listed", says: answer.why }
  if (answer.found === "unavailable") return { ...common, is: "silent", says: answer.why }
  const codes = answer.records.map((record) => ({ record, code: codeOf(server, record) }))
  const listings = codes.flatMap(({ record, code }) =>
    code.is === "listing" ? [code.words === undefined ? record : `${record} (${code.words})`] : [],
  )
  if (listings.length === 0) {
    const [first] = codes.map(({ code }) => (code.is === "error" ? code.why : "it is no list any more"))
    return { ...common, is: "silent", says: first ?? "" }
  }
  const text = await textOf(asked, world)
  const place = text === undefined ? placeToLook(server, address) : undefined
  const says = [listings.join(", "), text, place === undefined ? undefined : `see ${place}`]
  return { ...common, is: "listed", says: says.filter((part) => part !== undefined).join("; ") }
}
