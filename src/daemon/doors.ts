// The doors that mail comes in by: a listener for each DAEMON_OPTIONS, and the unix socket of the sendmail command. Each
// connection becomes a session with its arrival, under the settings of that moment.
import { chmodSync, rmSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { type Duplex, duplexPair } from "node:stream"
import { setTimeout as pause } from "node:timers/promises"
import { option } from "../config/options.ts"
import type { DaemonOptions, Settings } from "../config/settings.ts"
import { macro } from "../config/settings.ts"
import { loginName } from "../host/login.ts"
import { peerCredentials } from "../host/posix.ts"
import { software } from "../host/version.ts"
import type { Arrival, Client } from "../mail/arrival.ts"
import { fail } from "../mail/result.ts"
import type { Dns } from "../mail/world.ts"
import { arrivalWithin, implicitTerms, tlsNote } from "../smtp/secure.ts"
import { clientName } from "../smtp/session.ts"
import type { Secured } from "../trust/tls-server.ts"
import { ClientLoad } from "./client-load.ts"
import { clientOf } from "./clients.ts"
import { converse } from "./connection.ts"
import { expectsProxyHeader, introduced, isTrustedProxy } from "./proxies.ts"
import type { Decisions } from "./decisions.ts"
import { type IntakeParts, sessionWorld } from "./intake.ts"
import { HeavyLoad } from "./heavy-load.ts"
import { handOver, type Listener, plainAddress, serve } from "./listener.ts"
import { connectionLimits, isSubmission, offersFrom, tooManyConnections } from "./offers.ts"
import { placesOf } from "./places.ts"
import { Throttle } from "./throttle.ts"
import type { World } from "./world.ts"

export type DoorParts = IntakeParts & { readonly dns: Dns }

/** Where the sendmail command hands in mail; its arrivals are local. */
const submitDoor: DaemonOptions = {
  name: "MSP",
  address: undefined,
  family: "inet",
  port: 0,
  modify: "",
  other: new Map(),
  at: undefined,
}

/** Who listens, and under which of the settings' daemons its clients come in. */
type Door = { readonly listener: Listener; readonly daemon: DaemonOptions }

export class Doors {
  readonly #decisions: () => Decisions
  readonly #parts: DoorParts
  /** By their place (places.ts). */
  readonly #open = new Map<string, Door>()
  readonly #sessions = new Set<Promise<void>>()
  readonly #load: ClientLoad
  readonly #throttle: Throttle
  readonly #heavy: HeavyLoad
  readonly #worlds = new WeakMap<Decisions, Map<string, World>>()
  #local: Server | undefined

  constructor(decisions: () => Decisions, parts: DoorParts) {
    this.#decisions = decisions
    this.#parts = parts
    const { settings } = decisions()
    this.#load = new ClientLoad(option(settings, "ConnectionRateWindowSize") * 1000)
    this.#throttle = new Throttle(option(settings, "ConnectionRateThrottle"))
    this.#heavy = new HeavyLoad(parts)
  }

  /** Sessions come in by this listener. False when the settings have nobody there. */
  open(server: Server, place: string): boolean {
    const { settings } = this.#decisions()
    const daemon = daemonAt(place, settings)
    if (daemon === undefined) {
      handOver(server).forEach((socket) => socket.destroy())
      return false
    }
    const host = macro(settings, "j") ?? "localhost"
    const greet = (socket: Socket) => this.#greet(socket, this.#open.get(place)?.daemon ?? daemon)
    const listener = serve(server, connectionLimits(settings, daemon), greet, tooManyConnections(host))
    this.#open.set(place, { listener, daemon })
    return true
  }

  /** Other settings: a door that they still have is theirs from now on, the others close. Who is inside stays. */
  follow(settings: Settings): void {
    for (const [place, { listener }] of this.#open) {
      const daemon = daemonAt(place, settings)
      if (daemon === undefined) this.shut([place])
      else this.#open.set(place, { listener, daemon })
    }
  }

  /** Nobody comes in there any more. */
  shut(places: readonly string[]): void {
    for (const place of places) {
      this.#open.get(place)?.listener.close()
      this.#open.delete(place)
    }
  }

  /** A client that the supervisor accepted before we were there. */
  welcome(socket: Socket, place: string): void {
    const door = this.#open.get(place)
    if (door === undefined) socket.destroy()
    else door.listener.welcome(socket)
  }

  /** Everybody on the machine may hand in mail; who it was the kernel tells. */
  async openLocal(path: string): Promise<void> {
    rmSync(path, { force: true }) // of a run that was killed: the state's lock is ours
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#greetLocal(socket))
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(path, resolve)
    })
    chmodSync(path, 0o666)
    this.#local = server
  }

  close(): void {
    for (const { listener } of this.#open.values()) listener.close()
    this.#local?.close()
  }

  /** Resolves when every session has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#sessions)
  }

  #greet(socket: Socket, daemon: DaemonOptions): void {
    const address = plainAddress(socket.remoteAddress ?? "")
    const counted = this.#load.arrive(address, this.#parts.clock())
    const { average, wait: moment } = this.#heavy.arrive(daemon.name, this.#decisions().settings)
    const load = average === undefined ? counted : { ...counted, average }
    socket.once("close", () => this.#load.leave(address))
    const wait = Math.max(this.#throttle.arrive(this.#parts.clock()), moment)
    const begun = wait === 0 ? this.#whose(socket, daemon) : this.#later(wait, socket, daemon)
    this.#track(
      begun.then((client) => {
        if (client === undefined) return undefined
        const submission = isSubmission(daemon)
        const reached = plainAddress(socket.localAddress ?? "")
        const arrival = { ...blank, client, door: daemon.name, submission, reached, load }
        return this.#converse(socket, arrival, daemon)
      }),
    )
  }

  /** Its turn comes with the second; when we stop, all turns come. */
  async #later(wait: number, socket: Socket, daemon: DaemonOptions): Promise<Client | undefined> {
    await pause(wait, undefined, { signal: this.#parts.stopping }).catch(() => {})
    return this.#whose(socket, daemon)
  }

  /** The client: the peer itself, or whom a proxy that we trust speaks for. undefined: that proxy makes no sense, and is gone. */
  async #whose(socket: Socket, daemon: DaemonOptions): Promise<Client | undefined> {
    const { dns, log } = this.#parts
    const address = plainAddress(socket.remoteAddress ?? "")
    if (!expectsProxyHeader(daemon) || !isTrustedProxy(this.#decisions().settings, address))
      return clientOf(socket, dns)
    const said = await introduced(socket)
    if (said === "itself") return clientOf(socket, dns)
    if (!("wrong" in said)) return clientOf(said, dns)
    log.note(`PROXY from ${address}: ${said.wrong}`)
    socket.destroy()
    return undefined
  }

  #greetLocal(socket: Socket): void {
    socket.on("error", () => {}) // the conversation learns of it by "close"
    const { uid } = peerCredentials(socket)
    this.#track(loginName(uid).then((login) => this.#converse(socket, localArrival(login), submitDoor)))
  }

  /** A session of the local door within this process, for mail that this login left in the client queue. */
  sessionFor(login: string): Duplex {
    const [ours, theirs] = duplexPair({ allowHalfOpen: true })
    this.#track(this.#converse(ours, localArrival(login), submitDoor))
    return theirs
  }

  async #converse(socket: Duplex, arrival: Arrival, daemon: DaemonOptions): Promise<void> {
    const { measures } = this.#parts
    measures.sessionBegan(daemon.name)
    try {
      await this.#talk(socket, arrival, daemon)
    } finally {
      measures.sessionEnded()
    }
  }

  async #talk(socket: Duplex, arrival: Arrival, daemon: DaemonOptions): Promise<void> {
    const decisions = this.#decisions()
    const { settings, tls, authenticator } = decisions
    const security = { tls: tls !== undefined, logins: authenticator.anybody() }
    const usual = offersFrom(settings, daemon, software, security)
    const proxied = arrival.client !== undefined && isTrustedProxy(settings, arrival.client.address)
    const offers = proxied && !expectsProxyHeader(daemon) ? { ...usual, proxied } : usual
    const milters = decisions.milters(daemon.name)
    const usualWorld = this.#world(decisions, daemon.name)
    const world = milters === undefined ? usualWorld : { ...usualWorld, milters }
    const known = { ...arrival, session: this.#parts.newId() }
    if (!daemon.modify.includes("s")) return converse(socket, { arrival: known, offers }, world)
    const begun = await this.#secure(socket, known, decisions)
    if (begun === undefined) return
    const { stream, facts, channel } = begun
    await converse(stream, { arrival: arrivalWithin(known, facts), offers, channel }, world)
  }

  /** What sessions may use: made once for a door under these decisions, for ten thousand of them may be idle. */
  #world(decisions: Decisions, door: string): World {
    const worlds = this.#worlds.get(decisions) ?? new Map<string, World>()
    this.#worlds.set(decisions, worlds)
    const world = worlds.get(door) ?? sessionWorld(decisions, this.#parts, door)
    worlds.set(door, world)
    return world
  }

  /** A door of implicit TLS (RFC 8314 §3.3): DAEMON_OPTIONS with Modify=s. */
  async #secure(
    socket: Duplex,
    arrival: Arrival,
    { gate, tls }: Pick<Decisions, "gate" | "tls">,
  ): Promise<Secured | undefined> {
    const { log } = this.#parts
    const terms = await implicitTerms(arrival, gate)
    const begun = typeof terms === "string" ? fail(terms) : await tls?.secure(socket, terms)
    if (begun?.ok === true) {
      log.note(arrival.session, tlsNote(arrival, begun.value.facts))
      return begun.value
    }
    socket.destroy()
    const why = begun?.error ?? "there is no certificate"
    log.note(arrival.session, `STARTTLS=server, relay=${clientName(arrival)}, error: ${why}`)
    return undefined
  }

  #track(session: Promise<void>): void {
    const ending = session
      .catch((error: unknown) => this.#parts.log.bug(error))
      .finally(() => this.#sessions.delete(ending))
    this.#sessions.add(ending)
  }
}

function daemonAt(place: string, { daemons }: Settings): DaemonOptions | undefined {
  return placesOf(daemons).find((one) => one.place === place)?.daemon
}

const blank: Arrival = {
  session: "",
  protocol: "SMTP",
  client: undefined,
  helo: undefined,
  authenticated: undefined,
  door: "",
  submission: false,
  tls: undefined,
}

function localArrival(authenticated: string): Arrival {
  return { ...blank, protocol: "local", authenticated, door: submitDoor.name, submission: true }
}
