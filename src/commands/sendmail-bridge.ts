// sendmail -bs: SMTP on standard input and output, for programs that speak it through a pipe. The daemon speaks; we carry.
import { once } from "node:events"
import { connect } from "node:net"
import { layoutOf } from "../daemon/layout.ts"
import { exits, type Io, Refusal } from "./io.ts"

/** Ends when the daemon has closed the session, which it does after QUIT or at the end of the input. */
export async function bridge(state: string, io: Io): Promise<number> {
  const socket = connect({ path: layoutOf(state).submit, allowHalfOpen: true })
  try {
    await once(socket, "connect")
  } catch {
    throw new Refusal(`no answer from the Waypost on ${state}; try again when it runs`, exits.tryAgain)
  }
  const closed = once(socket, "close")
  socket.on("error", () => socket.destroy()) // a daemon that ended: the close tells
  io.stdin.pipe(socket)
  socket.pipe(io.stdout, { end: false })
  await closed
  io.stdin.destroy()
  return exits.ok
}
