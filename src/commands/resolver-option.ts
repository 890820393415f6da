// --resolver of the commands that ask DNS themselves: one server, or those of this machine.
import { systemResolver } from "../host/resolver.ts"
import type { Dns } from "../mail/world.ts"
import { exits, Refusal } from "./io.ts"

/** The resolver, or a line that says what is wrong with what was asked for. */
export function resolverFor(resolver: string | undefined): Dns {
  const dns = systemResolver(resolver)
  if (!dns.ok) throw new Refusal(dns.error, exits.usage)
  return dns.value
}
