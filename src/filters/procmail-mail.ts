// The message as procmail sees it: one piece with LF line ends, its header's continuation lines now joined and now not, and the
// forms in which it is written into folders.

export class Mail {
  /** As it came, or as the last filter left it. */
  readonly bytes: Buffer
  readonly bodyStart: number
  #joined: Buffer | undefined
  #head: Buffer | undefined
  #joinedHead: Buffer | undefined
  #body: Buffer | undefined
  #joins: readonly number[]
  /** Whether continuation lines count as one (procmail's concon): in conditions they do. */
  isJoined = false

  constructor(bytes: Buffer) {
    this.bytes = bytes
    const { bodyStart, joins } = scan(bytes)
    this.bodyStart = bodyStart
    this.#joins = joins
  }

  /** The octets as they stand now. */
  now(): Buffer {
    if (!this.isJoined || this.#joins.length === 0) return this.bytes
    if (this.#joined === undefined) {
      this.#joined = Buffer.from(this.bytes)
      for (const at of this.#joins) this.#joined[at] = 0x20
    }
    return this.#joined
  }

  /** Always the same piece for the same part, so that what is known of it can be kept with it. */
  part(which: "head" | "body" | "all"): Buffer {
    const bytes = this.now()
    if (which === "all") return bytes
    if (which === "body") return (this.#body ??= this.bytes.subarray(this.bodyStart))
    if (bytes === this.bytes) return (this.#head ??= bytes.subarray(0, this.bodyStart))
    return (this.#joinedHead ??= bytes.subarray(0, this.bodyStart))
  }

  /** A clone for a recipe block that goes its own way. */
  copy(): Mail {
    return new Mail(this.bytes)
  }
}

const newline = 0x0a

/** Where the body begins, behind the empty line; and the line ends within fields. Empty lines before the header are no end of it. */
function scan(bytes: Buffer): { readonly bodyStart: number; readonly joins: readonly number[] } {
  let at = 0
  while (bytes[at] === newline) at++
  const joins: number[] = []
  for (let end = bytes.indexOf(newline, at); end >= 0; end = bytes.indexOf(newline, end + 1)) {
    const next = bytes[end + 1]
    if (next === 0x20 || next === 0x09) joins.push(end)
    else if (next === newline) return { bodyStart: end + 2, joins }
  }
  return { bodyStart: bytes.length, joins }
}

const envelope = Buffer.from("From ")

function beginsWithFrom(bytes: Buffer): boolean {
  return bytes.length >= envelope.length && bytes.compare(envelope, 0, 5, 0, 5) === 0
}

/** Without its From_ line and the >From_ lines behind it: they confuse mailers, and Maildirs have none. */
export function withoutFrom(message: Buffer): Buffer {
  if (!beginsWithFrom(message)) return message
  let at = 0
  do {
    const end = message.indexOf(newline, at)
    if (end < 0) return Buffer.alloc(0)
    at = end + 1
  } while (message[at] === 0x3e)
  return message.subarray(at)
}

/** `From ann@example.org  Tue Nov 24 07:10:42 2026`, put before a message that has none, or instead of the one it has. */
export function withFrom(message: Buffer, line: Buffer, instead: boolean): Buffer {
  let start = 0
  while (message[start] === newline) start++
  const rest = message.subarray(start)
  if (!beginsWithFrom(rest)) return Buffer.concat([line, rest])
  if (!instead) return rest
  const end = rest.indexOf(newline)
  return Buffer.concat([line, end < 0 ? rest.subarray(rest.length) : rest.subarray(end + 1)])
}

/** Ended by an empty line, as procmail ends all that it writes unless the recipe says `r`. */
export function ended(message: Buffer, raw: boolean): readonly Buffer[] {
  if (raw) return [message]
  const { length } = message
  const has = length >= 2 && message[length - 1] === newline && message[length - 2] === newline
  return has ? [message] : [message, Buffer.from("\n")]
}

/** The form for an mbox: lines that would begin a message are quoted, but not those that Content-Length: counts. */
export function mboxForm(
  message: Buffer,
  { raw, berkeley }: { readonly raw: boolean; readonly berkeley: boolean },
): readonly Buffer[] {
  if (raw) return [message]
  const { bodyStart } = scan(message)
  const trusted = berkeley ? undefined : contentLength(message, bodyStart)
  const free = trusted === undefined ? bodyStart - 1 : Math.min(message.length, bodyStart + trusted)
  const pieces: Buffer[] = []
  let from = 0
  for (let at = message.indexOf(lineFrom); at >= 0; at = message.indexOf(lineFrom, at + 1)) {
    if (at >= bodyStart - 1 && at < free - 1) continue
    pieces.push(message.subarray(from, at + 1), bracket)
    from = at + 1
  }
  return [...pieces, ...ended(message.subarray(from), false)]
}

const lineFrom = Buffer.from("\nFrom ")
const bracket = Buffer.from(">")

function contentLength(message: Buffer, bodyStart: number): number | undefined {
  const header = message.toString("latin1", 0, bodyStart)
  const found = /^content-length:[ \t]*(\d{1,9})/im.exec(header)?.[1]
  if (found === undefined) return undefined
  // procmail corrects the field to what the body is, and trusts that.
  const { length } = message
  return length - bodyStart - (length > 1 && message[length - 2] === newline ? 1 : 0)
}

/** What kind of folder a name means, by its end: `x/` a Maildir, `x/.` an MH folder, `x` a file, or a directory that is there. */
export function folderOf(name: string): {
  readonly kind: "maildir" | "mh" | "file"
  readonly path: string
} {
  if (name.length > 2 && name.endsWith("/.")) return { kind: "mh", path: chopped(name.slice(0, -2)) }
  if (name.length > 1 && name.endsWith("/")) return { kind: "maildir", path: chopped(name.slice(0, -1)) }
  return { kind: "file", path: name }
}

function chopped(path: string): string {
  let end = path.length
  while (end > 1 && path[end - 1] === "/") end--
  return path.slice(0, end)
}
