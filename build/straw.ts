// A mail system of straw: it says yes to all that quick commands ask of a real one, so that they can be run while the program is
// being built.
import { createServer, type Server, type Socket } from "node:net"

/** Listens as the control socket and the submission socket do. */
export async function strawSystem(control: string, submit: string): Promise<{ readonly close: () => void }> {
  const servers = await Promise.all([listen(control, answer), listen(submit, accept)])
  return { close: () => servers.forEach((server) => server.close()) }
}

function listen(path: string, serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {}) // a command ends when it has heard enough
    serve(socket)
  })
  return new Promise((resolve, reject) => {
    server.on("error", reject)
    server.listen(path, () => resolve(server))
  })
}

/** It is there, and nothing waits in its queue. */
function answer(socket: Socket): void {
  eachLine(socket, (line) => {
    if (line.includes('"count"')) socket.write('{"messages":0}\n')
    if (line.includes('"ready"')) socket.write('{"ok":true}\n')
    socket.write('{"end":true}\n')
  })
}

function accept(socket: Socket): void {
  let content = false
  socket.write("220 straw.example.org ESMTP\r\n")
  eachLine(socket, (line) => {
    if (content && line !== ".") return
    content = line === "DATA"
    socket.write(replyTo(line))
  })
}

function replyTo(line: string): string {
  if (line === "DATA") return "354 Enter mail\r\n"
  if (line === "QUIT") return "221 2.0.0 closing\r\n"
  if (line.startsWith("EHLO ")) return "250-straw.example.org\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
  return "250 2.0.0 6AO00000000000 Message accepted for delivery\r\n"
}

function eachLine(socket: Socket, take: (line: string) => void): void {
  let text = ""
  socket.setEncoding("latin1").on("data", (chunk) => {
    const lines = (text + String(chunk)).split("\n")
    text = lines.pop() ?? ""
    for (const line of lines) take(line.replace(/\r$/, ""))
  })
}
