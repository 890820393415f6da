// rmail: mail that came by UUCP, whose From_ lines say the way it took; they become one return path, and sendmail gets the rest.
import { Readable } from "node:stream"
import { exits, type Io, refuse, withStreams } from "./io.ts"
import { run as sendmail } from "./sendmail.ts"

const usage = `Usage: rmail [-T] [-D DOMAIN] ADDRESS…
Takes a message with From_ lines ("From me Tue Nov 24 07:10:42 2026 remote from gordon") on standard input and sends it on,
from the address that the lines come to.

  -D DOMAIN  what stands for "remote from" where no line has it
  -T         says what is done
`
/** The most octets in which From_ lines are looked for. */
const longestLines = 64 * 1024

export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes("--help")) {
    io.stdout.write(usage)
    return exits.ok
  }
  const wish = readWish(argv)
  if (typeof wish === "string") return refuse(io, `rmail: ${wish}; see rmail --help`, exits.usage)
  const { head, rest } = await readHead(io.stdin)
  const envelope = fromLines(head.toString("latin1"), wish.domain)
  if (typeof envelope === "string") return refuse(io, `rmail: ${envelope}`, dataError)
  const args = ["-G", "-oee", "-oi", "-f", envelope.sender, "--", ...wish.recipients.map(bare)]
  if (wish.tell) io.stderr.write(`rmail: sendmail ${args.join(" ")}\n`)
  const stdin = Readable.from(andThen(head.subarray(envelope.octets), rest))
  return sendmail(args, withStreams(io, { stdin }))
}

const dataError = 65

type Wish = {
  readonly recipients: readonly string[]
  readonly domain: string | undefined
  readonly tell: boolean
}

function readWish(argv: readonly string[]): Wish | string {
  let domain: string | undefined
  let tell = false
  let n = 0
  for (; n < argv.length; n++) {
    const word = argv[n] ?? ""
    if (word === "-T") tell = true
    else if (word.startsWith("-D")) domain = word.length > 2 ? word.slice(2) : (argv[++n] ?? "")
    else if (word === "--") {
      n++
      break
    } else if (word.startsWith("-") && word !== "-") return `unknown option ${word}`
    else break
  }
  const recipients = argv.slice(n)
  if (domain === "") return "-D needs DOMAIN"
  return recipients.length === 0 ? "no recipient was named" : { recipients, domain, tell }
}

/** An address that begins with a dash is no flag of sendmail's: it is in angles then. */
function bare(address: string): string {
  return address.startsWith("-") ? `<${address}>` : address
}

async function readHead(
  input: AsyncIterable<Buffer | string>,
): Promise<{ head: Buffer; rest: AsyncIterator<Buffer | string> }> {
  const rest = input[Symbol.asyncIterator]()
  const pieces: Buffer[] = []
  let octets = 0
  while (octets < longestLines) {
    const next = await rest.next()
    if (next.done === true) break
    const piece = Buffer.from(next.value)
    pieces.push(piece)
    octets += piece.length
  }
  return { head: Buffer.concat(pieces), rest }
}

async function* andThen(head: Buffer, rest: AsyncIterator<Buffer | string>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head
  for (let next = await rest.next(); next.done !== true; next = await rest.next())
    yield Buffer.from(next.value)
}

/** What the From_ lines at the top come to, and how many octets they are. The error is in rmail's words. */
export function fromLines(
  text: string,
  domain: string | undefined,
): { readonly sender: string; readonly octets: number } | string {
  let octets = 0
  let path = ""
  let user: string | undefined
  for (;;) {
    const end = text.indexOf("\n", octets)
    const line = text.slice(octets, end < 0 ? text.length : end)
    const match = /^>?From[ \t]+(\S+)(.*)$/.exec(line)
    if (match === null || end < 0) break
    const host = /[ \t]remote from[ \t]+(\S+)[ \t]*$/.exec(match[2] ?? "")?.[1]
    if (host !== undefined) path += `${host}!`
    user = match[1]
    octets = end + 1
  }
  if (user === undefined) return "null header, or its first line is no From line"
  const at = path === "" && domain !== undefined ? `${domain}!` : path
  // A name with a domain of its own is whole already; a path before it leads there.
  const sender = user.includes("!") && at !== "" && user.startsWith(at) ? user : `${at}${user}`
  return { sender, octets }
}
