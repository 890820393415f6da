// A conversation with one of the daemon's sockets over Node's own streams.
import { connect } from "node:net"
import { type Channel, streamChannel } from "../host/channel.ts"

/** Connects; rejects with an error of Node's shape. */
export async function streamTo(path: string): Promise<Channel> {
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve)
    socket.once("error", reject)
  })
  return streamChannel(socket)
}
