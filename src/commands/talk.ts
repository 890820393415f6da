// `waypost talk`: an SMTP session typed by hand, for hosts without telnet. What the server says is printed as it comes; when
// the server is a Waypost of this machine, the reasons behind each reply stand below it in gray.
import { connect, type Socket } from "node:net"
import { createInterface } from "node:readline"
import { styleText } from "node:util"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { askOnce } from "./control-client.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"
import { runningState } from "./state.ts"
import { type Place, parsePlace, printPlace } from "./talk-place.ts"
import { Reasons } from "./talk-reasons.ts"
import { repliesOf, Turn } from "./talk-turn.ts"

const usage: Usage = {
  name: "waypost talk",
  operands: "[HOST:PORT]",
  mostOperands: 1,
  about:
    "A session typed by hand: HELO, MAIL FROM:, RCPT TO:, DATA … Without a host it speaks to the Waypost that runs here.",
  options: { state: stateOption },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const state = runningState(given.text("state"), io)
  const [operand] = given.operands
  const place = operand === undefined ? await firstListener(state) : parsePlace(operand)
  if (place === undefined) return refuse(io, `waypost talk: "${operand}" is no HOST:PORT`, exits.usage)
  const reasons = await Reasons.of(state, place)
  try {
    const socket = await open(place, reasons?.from)
    return await converse(socket, reasons, io)
  } finally {
    reasons?.close()
  }
}

/** Where the running system listens for mail. */
async function firstListener(state: string): Promise<Place> {
  const { listeners } = await askOnce(state, { verb: "ready" })
  const first: unknown = Array.isArray(listeners) ? listeners[0] : undefined
  if (typeof first !== "object" || first === null || !("port" in first) || typeof first.port !== "number") {
    throw new Refusal("the running system listens nowhere: name a HOST:PORT", exits.unavailable)
  }
  const address = "address" in first ? first.address : undefined
  const everywhere = typeof address !== "string" || address === "0.0.0.0" || address === "::"
  return { host: everywhere ? "127.0.0.1" : address, port: first.port }
}

async function open(place: Place, from: Reasons["from"] | undefined): Promise<Socket> {
  // A source address of IPv4 allows no other family of a name.
  const host = from !== undefined && place.host === "localhost" ? from.localAddress : place.host
  const socket = connect({ host, port: place.port, ...from })
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket))
    socket.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Refusal(`${printPlace(place)}: ${wordsFor(error)}`, exits.unavailable)),
    )
  })
}

function wordsFor(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ECONNREFUSED":
      return "nothing listens there"
    case "ENOTFOUND":
      return "there is no host of this name"
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "that host cannot be reached"
    default:
      return error.message
  }
}

/** Prints what comes and sends what is typed, until one side has had enough. */
async function converse(socket: Socket, reasons: Reasons | undefined, io: Io): Promise<number> {
  const turn = new Turn()
  const typing = sendLines(socket, turn, io)
  try {
    for await (const reply of repliesOf(socket)) {
      io.stdout.write(reply.lines.map((line) => `${line}\n`).join(""))
      for (const why of (await reasons?.behind(reply)) ?? [])
        io.stdout.write(`${gray(`     | ${why}`, io)}\n`)
      turn.heard(reply)
    }
  } catch (error) {
    io.stderr.write(
      `waypost talk: the connection broke: ${error instanceof Error ? error.message : String(error)}\n`,
    )
    return exits.unavailable
  } finally {
    typing.close()
    socket.destroy()
  }
  return exits.ok
}

function gray(text: string, io: Io): string {
  const stream = io.stdout === process.stdout ? process.stdout : undefined
  return stream?.isTTY === true ? styleText("gray", text, { stream }) : text
}

/**
 * A person types when they like, as with telnet. Lines from a file or a pipe wait for their turn, and are shown, so that the
 * whole reads as a conversation.
 */
function sendLines(socket: Socket, turn: Turn, io: Io): { close(): void } {
  const person = io.stdin === process.stdin && process.stdin.isTTY === true
  const lines = createInterface({ input: io.stdin, ...(person ? { output: io.stdout, prompt: "" } : {}) })
  const send = (line: string) => {
    turn.said(line)
    socket.write(`${line}\r\n`)
  }
  if (person) {
    lines.on("line", send)
    lines.on("close", () => socket.end())
  } else {
    void sendInTurn(lines, turn, (line) => {
      io.stdout.write(`${line}\n`)
      send(line)
    }).then(() => socket.end())
  }
  return lines
}

async function sendInTurn(
  lines: AsyncIterable<string>,
  turn: Turn,
  send: (line: string) => void,
): Promise<void> {
  for await (const line of lines) {
    await turn.mine()
    send(line)
  }
  await turn.mine()
}
