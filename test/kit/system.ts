// A whole Waypost for a test: started with ./waypost as a user would, on loopback ports, with its state in a temporary folder.
import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, mkdtempSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer, type Socket, connect } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** For a test's `skip` option: false, or why other users than root cannot run what is in bin/. */
export const closedCheckout = closedFolder() ?? false

function closedFolder(): string | undefined {
  for (let folder = project; folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0)
      return `other users cannot reach the checkout: ${folder} is closed to them`
  }
  return undefined
}

export type SystemOptions = {
  /** sendmail.mc; `@DIR@` stands for the folder the files are in, `@PORT@` and `@MSA@` for free ports. */
  readonly mc?: string
  /** Files beside it, by relative path. */
  readonly files?: Readonly<Record<string, string>>
  /** Words after `./waypost start`. */
  readonly args?: readonly string[]
  /** Use this folder (of an earlier system) instead of a new one. */
  readonly directory?: string
  readonly ports?: { readonly mta: number; readonly msa: number }
  /** Where its MTA listens, for connect(); 127.0.0.1 when absent. */
  readonly address?: string
  /** Users to be made before it starts, without passwords. */
  readonly users?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** With a console: on any free port, or where the configuration says. */
  readonly console?: true | "configured"
}

export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(address = "127.0.0.1"): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const bound = server.address()
  await new Promise((resolve) => server.close(resolve))
  assert.ok(typeof bound === "object" && bound !== null)
  return bound.port
}

/** Runs a program to its end. */
export function run(
  command: string,
  args: readonly string[],
  input = "",
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const child = spawn(command, args, { cwd: project, env: { ...process.env, ...env } })
  return collect(child, input)
}

async function collect(child: ChildProcess, input: string): Promise<Ran> {
  let stdout = ""
  let stderr = ""
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text))
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text))
  child.stdin?.on("error", () => {}) // a program that reads nothing may close it
  child.stdin?.end(input)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", resolve)
  })
  return { code, stdout, stderr }
}

/** A user of the users file: mail for it is kept as the mail system's own user. */
export async function addUser(state: string, user: string): Promise<void> {
  const { code, stderr } = await run(
    join(project, "bin", "waypost"),
    ["user", "add", user],
    "secret of gor\n",
    { WAYPOST_STATE: state },
  )
  assert.equal(code, 0, stderr)
}

function consoleWords(wanted: SystemOptions["console"]): readonly string[] {
  if (wanted === undefined) return ["--no-console"]
  return wanted === "configured" ? [] : ["--console-port", "0"]
}

/** As root the mail process becomes another user, who has to get in. */
function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "waypost-"))
  chmodSync(directory, 0o755)
  return directory
}

export class System {
  readonly directory: string
  readonly state: string
  readonly port: number
  readonly msa: number
  readonly address: string
  readonly #child: ChildProcess
  #stderr = ""
  #stdout = ""
  readonly #ended: Promise<number | null>

  private constructor(
    directory: string,
    ports: { mta: number; msa: number },
    address: string,
    child: ChildProcess,
  ) {
    this.directory = directory
    this.address = address
    this.state = join(directory, "state")
    this.port = ports.mta
    this.msa = ports.msa
    this.#child = child
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#stderr += text))
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#stdout += text))
    this.#ended = new Promise((resolve) => child.on("close", resolve))
  }

  /** Starts one and waits until it says `ready`. */
  static async start(options: SystemOptions = {}): Promise<System> {
    for (let tries = 1; ; tries++) {
      const system = await System.launch(options)
      try {
        await system.ready()
        return system
      } catch (error) {
        // A free port may be somebody else's by the time it is used: another is chosen, unless the test wants this one.
        const isTaken = error instanceof Error && error.message.includes("is in use by another program")
        if (!isTaken || options.ports !== undefined || tries === 3) throw error
        if (options.directory === undefined) rmSync(system.directory, { recursive: true, force: true })
      }
    }
  }

  /** Starts one and does not wait: for those that are to refuse. */
  static async launch(options: SystemOptions): Promise<System> {
    const directory = options.directory ?? newDirectory()
    const ports = options.ports ?? { mta: await freePort(), msa: await freePort() }
    const fill = (text: string) =>
      text
        .replaceAll("@DIR@", directory)
        .replaceAll("@PORT@", String(ports.mta))
        .replaceAll("@MSA@", String(ports.msa))
    for (const [name, text] of Object.entries(options.files ?? {})) {
      mkdirSync(dirname(join(directory, name)), { recursive: true })
      writeFileSync(join(directory, name), fill(text))
    }
    const config = join(directory, "sendmail.mc")
    if (options.mc !== undefined) writeFileSync(config, fill(options.mc))
    if (options.mc?.includes("@DIR@/mail") === true) mkdirSync(join(directory, "mail"), { recursive: true })
    for (const user of options.users ?? []) await addUser(join(directory, "state"), user)
    const args = [
      "start",
      "--state",
      join(directory, "state"),
      ...consoleWords(options.console),
      ...(options.mc === undefined ? [] : ["--config", config]),
    ]
    const child = spawn(join(project, "bin/waypost"), [...args, ...(options.args ?? [])], {
      cwd: project,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    })
    return new System(directory, ports, options.address ?? "127.0.0.1", child)
  }

  get stderr(): string {
    return this.#stderr
  }

  get stdout(): string {
    return this.#stdout
  }

  get pid(): number {
    assert.ok(this.#child.pid !== undefined)
    return this.#child.pid
  }

  /** Resolves when a line of its output is `ready`; rejects when it ends before. */
  async ready(): Promise<void> {
    await this.said(/^ready\b/m)
  }

  /** Resolves when its output matches. */
  said(pattern: RegExp): Promise<void> {
    return this.#until(() => pattern.test(this.#stdout) || pattern.test(this.#stderr), String(pattern))
  }

  async #until(seen: () => boolean, what: string): Promise<void> {
    while (!seen()) {
      const ended = await Promise.race([this.#ended.then(() => true), this.#more()])
      if (ended && !seen())
        throw new Error(`Waypost ended before it said ${what}:\n${this.#stdout}${this.#stderr}`)
    }
  }

  /** Resolves with false when either stream brings something. */
  #more(): Promise<false> {
    const streams = [this.#child.stdout, this.#child.stderr]
    return new Promise((resolve) => {
      const more = () => {
        for (const stream of streams) stream?.off("data", more)
        resolve(false)
      }
      for (const stream of streams) stream?.once("data", more)
    })
  }

  /** Sends a signal and waits for the end; the exit code. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#child.kill(signal)
    return this.#ended
  }

  get ended(): Promise<number | null> {
    return this.#ended
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Another sendmail.mc, taken up as at SIGHUP. */
  async reconfigure(text: string): Promise<void> {
    writeFileSync(join(this.directory, "sendmail.mc"), text)
    const before = this.#stderr.length
    this.signal("SIGHUP")
    await this.#until(() => /reloaded/.test(this.#stderr.slice(before)), "reloaded")
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.end()
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** Runs one of the commands in bin/ against this system. */
  command(name: string, args: readonly string[], input = ""): Promise<Ran> {
    return run(join(project, "bin", name), args, input, { WAYPOST_STATE: this.state })
  }

  waypost(...args: string[]): Promise<Ran> {
    return this.command("waypost", [...args])
  }

  /** Waits until nothing is being delivered. */
  async idle(): Promise<void> {
    const { code, stderr } = await this.waypost("idle", "--timeout", "30")
    assert.equal(code, 0, stderr)
  }

  connect(port = this.port): Promise<Session> {
    return Session.open(port, this.address)
  }
}

/** A message handed in over SMTP; the reply to its end, or the first that refuses. */
export async function handIn(
  system: Pick<System, "connect">,
  { from, to, text }: { readonly from: string; readonly to: readonly string[]; readonly text: string },
): Promise<string> {
  const session = await system.connect()
  try {
    let reply = await session.reply()
    const lines = [
      "EHLO pc236b.napier.ac.uk",
      `MAIL FROM:<${from}>`,
      ...to.map((one) => `RCPT TO:<${one}>`),
      "DATA",
      `${text.replaceAll("\n", "\r\n")}.`,
    ]
    for (const line of lines) {
      if (!/^[23]/.test(reply)) return reply
      reply = await session.say(line)
    }
    return reply
  } finally {
    session.close()
  }
}

/** A typed session over a real socket. */
export class Session {
  readonly #socket: Socket
  #text = ""
  #closed = false
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding("latin1").on("data", (text) => {
      this.#text += String(text)
      this.#wake()
    })
    const close = () => {
      this.#closed = true
      this.#wake()
    }
    socket.on("close", close).on("end", close).on("error", close)
  }

  static async open(port: number, host = "127.0.0.1", from?: string): Promise<Session> {
    const socket = connect({ port, host, ...(from === undefined ? {} : { localAddress: from }) })
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject))
    return new Session(socket)
  }

  /** The next whole reply, "(closed)" when there is none any more. */
  async reply(): Promise<string> {
    for (;;) {
      const end = /^\d{3}(?: .*)?\r\n/m.exec(this.#text)
      if (end !== null) {
        const stop = end.index + end[0].length
        const reply = this.#text.slice(0, stop)
        this.#text = this.#text.slice(stop)
        return reply.trimEnd()
      }
      if (this.#closed) return "(closed)"
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Sends a line and reads its reply. */
  async say(line: string): Promise<string> {
    this.write(`${line}\r\n`)
    return this.reply()
  }

  write(text: string | Buffer): void {
    this.#socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text)
  }

  close(): void {
    this.#socket.destroy()
  }

  /** The socket itself, for TLS to take over; nothing is read here any more. */
  take(): Socket {
    this.#socket.removeAllListeners()
    return this.#socket
  }

  /** No more from us; the server may still answer. */
  halfClose(): void {
    this.#socket.end()
  }
}
