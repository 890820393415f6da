// Outgoing connections: open one within a limit of time, or say in a word why not.
import { connect as open, type Socket } from "node:net"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Leaving } from "./leaving.ts"

/** Where to: an address and port, or a unix socket's path. */
export type Place =
  | { readonly address: string; readonly port: number; readonly from?: string | undefined }
  | { readonly path: string }

/** `silent`: nobody answered at all, so asking again soon would cost the same wait again. */
export type ConnectFailure = { readonly says: string; readonly silent: boolean }

/** Opens a connection without Nagle's delay. The socket has no listeners left of ours. */
export function connect(
  place: Place,
  timeoutMs: number,
  leaving?: Leaving,
): Promise<Result<Socket, ConnectFailure>> {
  return new Promise((resolve) => {
    const socket = open(options(place))
    const finish = (result: Result<Socket, ConnectFailure>) => {
      clearTimeout(timer)
      leaving?.remove(stopped)
      socket.removeAllListeners()
      if (!result.ok) {
        socket.on("error", ignore) // an error that is on its way already
        socket.destroy()
      }
      resolve(result)
    }
    const stopped = () => finish(fail({ says: "Shutting down", silent: false }))
    const timer = setTimeout(() => finish(fail({ says: "Connection timed out", silent: true })), timeoutMs)
    leaving?.add(stopped)
    socket.once("connect", () => finish(ok(socket)))
    socket.once("error", (error: NodeJS.ErrnoException) => finish(fail(failure(error))))
    if (leaving?.begun === true) stopped()
  })
}

function options(place: Place) {
  if ("path" in place) return { path: place.path }
  const { address, port, from } = place
  return { host: address, port, noDelay: true, ...(from === undefined ? {} : { localAddress: from }) }
}

function ignore(): void {
  // the socket is being destroyed
}

/** sendmail's words, which are those of strerror(3). */
const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
  ETIMEDOUT: "Connection timed out",
  EACCES: "Permission denied",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EMFILE: "Too many open files",
  EPIPE: "Broken pipe",
  ENOENT: "No such file or directory",
}

function failure(error: NodeJS.ErrnoException): ConnectFailure {
  const code = error.code ?? ""
  return { says: words[code] ?? error.message, silent: code === "ETIMEDOUT" || code === "EHOSTUNREACH" }
}

/** What became of an open connection, in words. */
export function lossWords(error: NodeJS.ErrnoException): string {
  return words[error.code ?? ""] ?? error.message
}
