// The control socket: one JSON object a line each way. Requests carry a verb; answers end with {"end":true}.
// What each verb does is in control-verbs.ts; here is only the conversation.
import { chmodSync, rmSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { peerCredentials } from "../host/posix.ts"

export type Request = { readonly verb: string } & Readonly<Record<string, unknown>>

/** Who asks: verbs that change something are for the owner of the system and root. */
export type Asker = { readonly uid: number; readonly trusted: boolean }

export type Answer = Readonly<Record<string, unknown>>

/** Yields the lines of the answer; throws only for bugs of ours. `signal` fires when the asker has gone. */
export type Verb = (request: Request, asker: Asker, signal: AbortSignal) => AsyncIterable<Answer>

export type Verbs = ReadonlyMap<string, Verb>

const longestRequest = 1024 * 1024

/** Serves the socket. Everybody on the machine may connect; what they may do depends on who they are. */
export async function serveControl(
  path: string,
  verbs: Verbs,
  onBug: (error: unknown) => void,
): Promise<Server> {
  rmSync(path, { force: true }) // of a run that was killed: the state's lock is ours
  const server = createServer((socket) => void converse(socket, verbs, onBug))
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(path, resolve)
  })
  chmodSync(path, 0o666)
  return server
}

async function converse(socket: Socket, verbs: Verbs, onBug: (error: unknown) => void): Promise<void> {
  const gone = new AbortController()
  socket.on("close", () => gone.abort())
  socket.on("error", () => gone.abort()) // the asker hung up
  try {
    const asker = whoAsks(socket)
    for await (const line of lines(socket)) {
      // Caught here: a loop that is left by an error would close the socket before anything can be said.
      await answer(socket, line, verbs, asker, gone.signal).catch(async (error: unknown) => {
        if (gone.signal.aborted) return
        onBug(error)
        await write(socket, sorry(error))
      })
    }
  } catch (error) {
    if (!gone.signal.aborted) onBug(error)
  } finally {
    socket.end()
  }
}

/** Our bug, or a disk that fails: whoever asked is told as much as we know, and may ask again. */
function sorry(error: unknown): Answer {
  const why = error instanceof Error ? error.message : String(error)
  return { error: `the mail system cannot answer now: ${why}`, code: 75 }
}

/** Ourselves and root are trusted. */
function whoAsks(socket: Socket): Asker {
  const { uid } = peerCredentials(socket)
  return { uid, trusted: uid === 0 || uid === process.getuid?.() }
}

async function* lines(socket: Socket): AsyncIterable<string> {
  let text = ""
  socket.setEncoding("utf8")
  for await (const chunk of socket) {
    text += String(chunk)
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end)
      text = text.slice(end + 1)
    }
    if (text.length > longestRequest) return
  }
}

async function answer(
  socket: Socket,
  line: string,
  verbs: Verbs,
  asker: Asker,
  gone: AbortSignal,
): Promise<void> {
  const request = parseRequest(line)
  const verb = request === undefined ? undefined : verbs.get(request.verb)
  if (request === undefined || verb === undefined) {
    await write(socket, { error: `not a request: ${line.slice(0, 100)}` })
  } else {
    for await (const one of verb(request, asker, gone)) {
      if (gone.aborted) return
      await write(socket, one)
    }
  }
  await write(socket, { end: true })
}

function parseRequest(line: string): Request | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== "object" || value === null || !("verb" in value) || typeof value.verb !== "string")
      return undefined
    return { ...value, verb: value.verb }
  } catch {
    return undefined
  }
}

/** Waits when the asker reads slowly: `mailq | less` on a long queue costs no memory. */
function write(socket: Socket, value: Answer): Promise<void> | undefined {
  if (socket.destroyed || socket.write(`${JSON.stringify(value)}\n`)) return undefined
  return new Promise((resolve) => {
    socket.once("drain", resolve)
    socket.once("close", resolve)
  })
}
