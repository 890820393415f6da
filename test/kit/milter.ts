// A filter that says what a test tells it to: a real server of the milter protocol on a loopback port or a unix socket. It keeps what
// it was told, so that tests can look at it.
import { once } from "node:events"
import { createServer, type Server, type Socket } from "node:net"
import { PacketReader, printPacket, readStrings, words } from "../../src/trust/milter-wire.ts"

/** What it says to a command: packets, each a letter and its octets; or that it goes, with half an answer or none, or is silent. */
export type Says =
  | readonly (readonly [letter: string, ...parts: (string | Buffer)[]])[]
  | "dies"
  | "half"
  | "silent"

export type Script = {
  readonly version?: number
  readonly actions?: number
  readonly steps?: number
  /** Macros that it wants: number of the stage and names. */
  readonly symbols?: Readonly<Record<number, string>>
  /** By letter of the command; "continue" where there is nothing. */
  readonly says?: Readonly<Record<string, Says | ((words: readonly string[]) => Says)>>
  readonly path?: string
}

export type ScriptedMilter = {
  /** As S= has it. */
  readonly socket: string
  /** "C pc236b.napier.ac.uk 4 10.4.5.6", "M <ann@hello.com>", "L Subject lunch", in order; the body as one line "B …". */
  readonly heard: string[]
  /** Macros by the letter of the command they came before. */
  readonly macros: Map<string, ReadonlyMap<string, string>>
  /** The octets of the body, as they were told. */
  body(): string
  close(): Promise<void>
}

const silentBits: Readonly<Record<string, number>> = {
  L: 0x80,
  C: 0x1000,
  H: 0x2000,
  M: 0x4000,
  R: 0x8000,
  T: 0x1_0000,
  U: 0x2_0000,
  N: 0x4_0000,
  B: 0x8_0000,
}

/** Starts one. */
export async function startMilter(script: Script = {}): Promise<ScriptedMilter> {
  const heard: string[] = []
  const macros = new Map<string, ReadonlyMap<string, string>>()
  const bodies: Buffer[] = []
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on("close", () => open.delete(socket)).on("error", () => socket.destroy())
    const reader = new PacketReader()
    socket.on("data", (chunk: Buffer) => {
      reader.feed(chunk)
      for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
        if (packet === "nonsense") return socket.destroy()
        const { letter, octets } = packet
        if (letter === "D")
          macros.set(octets.toString("latin1", 0, 1), pairs(readStrings(octets.subarray(1))))
        if (letter === "B") bodies.push(Buffer.from(octets))
        if (letter !== "O" && letter !== "D") heard.push(tellOf(letter, octets))
        answer(socket, letter, octets, script)
      }
    })
  })
  const socket = await listen(server, script.path)
  return {
    socket,
    heard,
    macros,
    body: () => Buffer.concat(bodies).toString("latin1"),
    async close() {
      const closed = once(server, "close")
      server.close()
      // Whoever asked it says goodbye by himself; one who does not is not waited for.
      const timer = setTimeout(() => open.forEach((one) => one.destroy()), 2000)
      await closed
      clearTimeout(timer)
    },
  }
}

async function listen(server: Server, path: string | undefined): Promise<string> {
  if (path !== undefined) {
    server.listen(path)
    await once(server, "listening")
    return `unix:${path}`
  }
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  return `inet:${typeof address === "object" && address !== null ? address.port : 0}@127.0.0.1`
}

function pairs(texts: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (let n = 0; n + 1 < texts.length; n += 2) found.set(texts[n] ?? "", texts[n + 1] ?? "")
  return found
}

function tellOf(letter: string, octets: Buffer): string {
  if (letter === "B") return `B ${octets.length}`
  if (letter !== "C") return [letter, ...readStrings(octets)].join(" ")
  const nul = octets.indexOf(0)
  const host = octets.toString("latin1", 0, nul)
  const family = octets.toString("latin1", nul + 1, nul + 2)
  return `C ${host} ${family} ${octets.readUInt16BE(nul + 2)} ${readStrings(octets.subarray(nul + 4)).join("")}`
}

function answer(socket: Socket, letter: string, octets: Buffer, script: Script): void {
  const { version = 6, actions = 0x1ff, steps = 0, symbols = {}, says = {} } = script
  if (letter === "O" && says["O"] === undefined) {
    const lists = Object.entries(symbols).map(([stage, names]) =>
      Buffer.concat([words(Number(stage)), Buffer.from(`${names}\0`)]),
    )
    socket.write(printPacket("O", words(version, actions, steps), ...lists))
    return
  }
  if (["D", "A", "Q", "K"].includes(letter)) return
  const planned = says[letter]
  if (planned === undefined && (steps & (silentBits[letter] ?? 0)) !== 0) return
  const said = typeof planned === "function" ? planned(readStrings(octets)) : (planned ?? [["c"]])
  if (said === "dies") socket.destroy()
  else if (said === "half") socket.end(printPacket("c").subarray(0, 4))
  else if (said !== "silent") for (const [first, ...parts] of said) socket.write(printPacket(first, ...parts))
}
