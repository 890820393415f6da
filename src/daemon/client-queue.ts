// The client queue: mail that the sendmail command could not hand over, or was told to keep. Anybody may leave a file there, so each
// is looked at as a stranger's: a regular file with one name, its owner is its sender. What it asks for goes through a session of
// the local door like any other mail.
import { constants, type Dirent } from "node:fs"
import { type FileHandle, open, readdir, unlink } from "node:fs/promises"
import { join } from "node:path"
import type { Duplex } from "node:stream"
import { streamChannel } from "../host/channel.ts"
import { loginName } from "../host/login.ts"
import { replaceFile } from "../host/replace.ts"
import { qualified } from "../mail/address.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import {
  type ClientFile,
  clientParameters,
  isClientName,
  longestLine,
  parseClientFile,
  printClientFile,
} from "../queue/client-file.ts"
import { type Said, Submission, type Submitted } from "./submission.ts"

/** A message there, as lists show it. */
export type Kept = {
  readonly id: string
  readonly login: string
  readonly file: ClientFile
  readonly start: number
}

export type ClientQueueWorld = {
  readonly directory: string
  /** A session of the local door for this login. */
  readonly session: (login: string) => Duplex
  /** The server of submit.mc, and the name we say there; undefined where there is none: then all goes by the local door. */
  readonly hop?: () => { readonly stream: Duplex; readonly name: string } | undefined
  /** Tells a sender by mail of recipients that were refused for good; resolves when that is safe. */
  readonly report: (
    kept: Kept,
    content: AsyncIterable<Buffer>,
    refused: ClientFile["refused"],
  ) => Promise<Result<void>>
  readonly say: (line: string) => void
  readonly bug: (error: unknown) => void
}

/** Owns the files of its directory while the system runs. */
export class ClientQueue {
  readonly #world: ClientQueueWorld
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** What was said already of a file that cannot be used. */
  readonly #said = new Map<string, string>()

  constructor(world: ClientQueueWorld) {
    this.#world = world
  }

  /** Takes up what is there now, and from then on every so often (milliseconds). */
  start(every: number): void {
    const again = () => void this.run().catch((error: unknown) => this.#world.bug(error))
    this.#timer = setInterval(again, every)
    this.#timer.unref()
    again()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }

  /** Every message that can be read, in order of id. */
  async *list(): AsyncIterable<Kept> {
    for (const id of await this.#ids()) {
      const opened = await this.#open(id)
      if (opened === undefined) continue
      await opened.handle.close()
      yield opened.kept
    }
  }

  /** Hands over everything; one run at a time. */
  run(): Promise<void> {
    this.#running ??= this.#runAll().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Throws a message away. */
  async remove(id: string): Promise<void> {
    await unlink(join(this.#world.directory, id))
  }

  async #runAll(): Promise<void> {
    for (const id of await this.#ids()) {
      const opened = await this.#open(id)
      if (opened === undefined) continue
      try {
        await this.#handOver(opened)
      } catch (error) {
        this.#world.say(`client queue: ${id}: ${error instanceof Error ? error.message : String(error)}`)
      } finally {
        await opened.handle.close()
      }
    }
  }

  async #handOver({ kept, handle }: Opened): Promise<void> {
    const content = () => octetsFrom(handle, kept.start)
    const { refused, left } = await this.#submit(kept, content())
    const told = [...kept.file.refused, ...refused]
    if (told.length > 0) {
      const reported = await this.#world.report(kept, content(), told)
      if (!reported.ok) return this.#world.say(`client queue: ${kept.id}: no report: ${reported.error}`)
    }
    if (left.length === 0) return this.remove(kept.id)
    if (told.length > 0 || left.length < kept.file.recipients.length)
      await this.#rewrite(kept, left, content())
  }

  /** Which recipients were refused for good, and which are to be tried again. */
  async #submit(
    { login, file }: Kept,
    content: AsyncIterable<Buffer>,
  ): Promise<{ readonly refused: ClientFile["refused"]; readonly left: readonly string[] }> {
    if (file.recipients.length === 0) return { refused: [], left: [] }
    const hop = file.hop === true ? this.#world.hop?.() : undefined
    const submission = await (hop === undefined
      ? Submission.open(streamChannel(this.#world.session(login)), () => {})
      : Submission.open(streamChannel(hop.stream), () => {}, hop.name))
    try {
      const { mail, rcpt } = clientParameters(file, hop === undefined ? undefined : submission.offers)
      const host = hop?.name ?? submission.host
      // The local door knows this host's names; a server across TCP is told them whole.
      const recipients =
        hop === undefined ? file.recipients : file.recipients.map((one) => qualified(one, host))
      const sender = qualified(file.sender, host)
      const sent = await submission.send({
        sender,
        recipients,
        parameters: mail,
        recipientParameters: rcpt,
        content,
      })
      await submission.quit()
      return sort(file.recipients, { ...sent, refused: asTyped(sent.refused, recipients, file.recipients) })
    } finally {
      submission.close()
    }
  }

  /** What is left, in place of what there was. The file is ours then, so it says whose it is. */
  async #rewrite(
    { id, file, login }: Kept,
    recipients: readonly string[],
    content: AsyncIterable<Buffer>,
  ): Promise<void> {
    const pieces = [printClientFile({ ...file, recipients, refused: [], login })]
    for await (const piece of content) pieces.push(Buffer.from(piece))
    const written = replaceFile(join(this.#world.directory, id), pieces)
    if (!written.ok) this.#world.say(`client queue: ${written.error}`)
  }

  async #ids(): Promise<readonly string[]> {
    const found: readonly Dirent[] = await readdir(this.#world.directory, { withFileTypes: true }).catch(
      () => [],
    )
    return found
      .filter((one) => one.isFile() && isClientName(one.name))
      .map(({ name }) => name)
      .toSorted()
  }

  async #open(id: string): Promise<Opened | undefined> {
    const opened = await openKept(this.#world.directory, id)
    if (opened.ok) {
      this.#said.delete(id)
      return opened.value
    }
    if (this.#said.get(id) !== opened.error)
      this.#world.say(`client queue: ${id} is not used: ${opened.error}`)
    this.#said.set(id, opened.error)
    return undefined
  }
}

/** Refusals by the names that the file has. */
function asTyped(
  refused: Submitted["refused"],
  sent: readonly string[],
  typed: readonly string[],
): Submitted["refused"] {
  const names = new Map(sent.map((name, n) => [name, typed[n] ?? name]))
  return refused.map(({ recipient, said }) => ({ recipient: names.get(recipient) ?? recipient, said }))
}

type Opened = { readonly kept: Kept; readonly handle: FileHandle }

/** Opens a file without following or waiting for anything, and reads whose it is and what it asks for. */
async function openKept(directory: string, id: string): Promise<Result<Opened>> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const handle = await open(join(directory, id), flags).catch((error: NodeJS.ErrnoException) => error)
  if (handle instanceof Error) return fail(handle.code ?? handle.message)
  const kept = await readKept(handle, id)
  if (kept.ok) return ok({ kept: kept.value, handle })
  await handle.close()
  return kept
}

async function readKept(handle: FileHandle, id: string): Promise<Result<Kept>> {
  const stat = await handle.stat()
  if (!stat.isFile()) return fail("it is no regular file")
  if (stat.nlink !== 1) return fail("it has another name somewhere else")
  const line = await firstLine(handle)
  if (line === undefined) return fail("it has no first line")
  const file = parseClientFile(line.toString("utf8"))
  if (!file.ok) return file
  const start = line.length + 1
  if (stat.size !== start + file.value.size) return fail("it is not as long as it says")
  const ours = stat.uid === process.getuid?.()
  const login = ours && file.value.login !== undefined ? file.value.login : await loginName(stat.uid)
  return ok({ id, login, file: file.value, start })
}

async function firstLine(handle: FileHandle): Promise<Buffer | undefined> {
  const pieces: Buffer[] = []
  for await (const piece of octetsFrom(handle, 0)) {
    const end = piece.indexOf(0x0a)
    pieces.push(end < 0 ? piece : piece.subarray(0, end))
    if (end >= 0) return Buffer.concat(pieces)
    if (pieces.reduce((sum, one) => sum + one.length, 0) > longestLine) return undefined
  }
  return undefined
}

const pieceSize = 64 * 1024

async function* octetsFrom(handle: FileHandle, start: number): AsyncGenerator<Buffer> {
  for (let position = start; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(pieceSize), 0, pieceSize, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** What became of each recipient: taken, refused for good, or to be tried again. */
function sort(
  recipients: readonly string[],
  { refused, said }: Submitted,
): { readonly refused: ClientFile["refused"]; readonly left: readonly string[] } {
  const no = new Map(refused.map(({ recipient, said: words }) => [recipient, words]))
  const wordsFor = (recipient: string): Said | undefined =>
    no.get(recipient) ?? (said?.code === 250 ? undefined : said)
  const ends = recipients.map((recipient) => ({ recipient, words: wordsFor(recipient) }))
  return {
    refused: ends.flatMap(({ recipient, words }) =>
      words !== undefined && words.code >= 500 ? [{ recipient, said: words.lines }] : [],
    ),
    left: ends.flatMap(({ recipient, words }) =>
      words !== undefined && words.code < 500 ? [recipient] : [],
    ),
  }
}
