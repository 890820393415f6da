// The supervisor's listeners between their binding and the moment when the mail process serves them: only the supervisor may bind
// the ports below 1024, at the start and when a reload opens new ones.
import type { Server, Socket } from "node:net"
import { ok, type Result } from "../mail/result.ts"
import { bind, handOver, turnAway } from "./listener.ts"
import type { Place } from "./places.ts"

/** Owns them until they are handed over; close it when nobody will take them. */
export class Bound {
  readonly #servers = new Map<string, Server>()

  /** Binds all of these places, or none. The error is one line that says what to do. */
  async bind(places: readonly Place[]): Promise<Result<void>> {
    const fresh: [string, Server][] = []
    for (const { place, daemon } of places) {
      const server = await bind(daemon)
      if (!server.ok) {
        for (const [, bound] of fresh) bound.close()
        return server
      }
      fresh.push([place, server.value])
    }
    for (const [place, server] of fresh) this.#servers.set(place, server)
    return ok(undefined)
  }

  /** Those that nobody serves yet. */
  get waiting(): readonly (readonly [string, Server])[] {
    return [...this.#servers]
  }

  /** The mail process serves it now: the clients that came before, for it to serve too. */
  served(place: string): readonly Socket[] {
    const server = this.#servers.get(place)
    this.#servers.delete(place)
    return server === undefined ? [] : handOver(server)
  }

  /** Whoever was to take them is gone: who waits there is told to come again. */
  close(): void {
    for (const place of this.#servers.keys()) this.served(place).forEach(turnAway)
  }
}
