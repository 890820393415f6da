// XCLIENT and XFORWARD (Postfix: XCLIENT_README, XFORWARD_README): a proxy or content filter that we trust says for whom it speaks.
// After XCLIENT the session begins anew as that client's; XFORWARD is only written down.
import { isIP } from "node:net"
import type { Arrival, Client } from "../mail/arrival.ts"
import { printDate } from "../message/date.ts"
import { decodeXtext } from "./extensions.ts"
import { replies, syntax, unknownCommand } from "./replies.ts"
import { type Asks, clientName, type Outcome, type Session, stay } from "./session.ts"

type Greet = (arrival: Arrival, offers: Session["offers"], date: string, asks: Asks) => Promise<Outcome>

/** XCLIENT name=value …: the client is another from now on, and is judged as it is. */
export async function xclient(
  session: Session,
  argument: string,
  asks: Asks,
  greet: Greet,
): Promise<Outcome> {
  const { offers, arrival, transaction } = session
  if (offers.proxied !== true) return stay(session, unknownCommand("XCLIENT"))
  if (transaction !== undefined) return stay(session, replies.senderAlready)
  const values = readAttributes(argument, [
    "NAME",
    "ADDR",
    "PORT",
    "PROTO",
    "HELO",
    "LOGIN",
    "DESTADDR",
    "DESTPORT",
  ])
  if (values === undefined) return stay(session, syntax(argument))
  const client = clientWith(arrival, values)
  if (client === undefined) return stay(session, syntax(argument))
  const { authType: _, ...rest } = arrival
  const login = values.get("LOGIN") ?? undefined
  const known: Arrival = {
    ...rest,
    client,
    helo: values.get("HELO") ?? arrival.helo,
    protocol: values.get("PROTO")?.toUpperCase() === "SMTP" ? "SMTP" : "ESMTP",
    authenticated: login,
    ...(login === undefined ? {} : { authType: "XCLIENT" }),
    forwardedBy: arrival.forwardedBy ?? clientName(arrival),
  }
  const begun = await greet(known, offers, printDate(asks.clock()), asks)
  return { ...begun, note: `XCLIENT from ${known.forwardedBy}: the client is ${clientName(known)}` }
}

/** XFORWARD name=value …: for the log. */
export function xforward(session: Session, argument: string): Outcome {
  if (session.offers.proxied !== true) return stay(session, unknownCommand("XFORWARD"))
  const names = ["NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"]
  const values = readAttributes(argument, names)
  if (values === undefined) return stay(session, syntax(argument))
  const said = [...values].map(([name, value]) => `${name.toLowerCase()}=${value ?? "?"}`).join(", ")
  return { ...stay(session, replies.ok), note: `XFORWARD from ${clientName(session.arrival)}: ${said}` }
}

/** Values are xtext; [UNAVAILABLE] and [TEMPUNAVAIL] are none. undefined: it is not well formed. */
function readAttributes(
  argument: string,
  names: readonly string[],
): ReadonlyMap<string, string | undefined> | undefined {
  const values = new Map<string, string | undefined>()
  for (const word of argument.split(/[ \t]+/)) {
    const equals = word.indexOf("=")
    const name = word.slice(0, Math.max(equals, 0)).toUpperCase()
    const value = decodeXtext(word.slice(equals + 1))
    if (!names.includes(name) || value === undefined || value === "") return undefined
    values.set(name, /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value) ? undefined : value)
  }
  return values.size === 0 ? undefined : values
}

/** The client that the attributes name; what they leave out is as before. A name is believed: the proxy has looked. */
function clientWith(
  { client }: Arrival,
  values: ReadonlyMap<string, string | undefined>,
): Client | undefined {
  const before = client ?? { address: "127.0.0.1", port: 0, name: undefined }
  const address =
    values
      .get("ADDR")
      ?.replace(/^IPv6:/i, "")
      .toLowerCase() ?? before.address
  const port = values.has("PORT") ? Number(values.get("PORT") ?? 0) : before.port
  if (isIP(address) === 0 || !Number.isInteger(port) || port < 0 || port > 65_535) return undefined
  const moved = values.has("ADDR")
  const name = values.has("NAME") ? values.get("NAME")?.toLowerCase() : moved ? undefined : before.name
  return { address, port, name }
}
