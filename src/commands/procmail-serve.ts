// procmail that stays: the delivery agent gives it one message of its user after the other, in frames on standard input, and hears
// of each what it came to. Expressions and code stay warm; each message is delivered as by a process of its own.
import { Readable, Writable } from "node:stream"
import { frameHead, FrameReader } from "../agent/frames.ts"
import type { WarmAnswer, WarmQuestion } from "../agent/warm.ts"
import { exits, type Io, withStreams } from "./io.ts"

/** What one delivery may say. */
const mostOctets = 16 * 1024

/** Serves until standard input ends. */
export async function serve(
  io: Io,
  deliver: (argv: readonly string[], io: Io) => Promise<number>,
): Promise<number> {
  const reader = new FrameReader()
  for await (const chunk of io.stdin as AsyncIterable<Buffer>) {
    for (const { head, body } of reader.push(Buffer.from(chunk))) {
      const question = JSON.parse(head.toString()) as WarmQuestion
      await answer(question, body, io, deliver)
    }
  }
  return exits.ok
}

async function answer(
  question: WarmQuestion,
  body: readonly Buffer[],
  io: Io,
  deliver: (argv: readonly string[], io: Io) => Promise<number>,
): Promise<void> {
  const said: Buffer[] = []
  let octets = 0
  const keep = () =>
    new Writable({
      write(chunk: Buffer | string, _encoding, done) {
        const piece = Buffer.from(chunk)
        octets += piece.length
        if (octets <= mostOctets) said.push(piece)
        done()
      },
    })
  const stdin = Readable.from(body)
  const code = await attempt(
    () => deliver(question.arguments, withStreams(io, { stdin, stdout: keep(), stderr: keep() })),
    said,
  )
  const text = Buffer.concat(said)
  const head: WarmAnswer = { number: question.number, code }
  io.stdout.write(Buffer.concat([frameHead(head, text.length), text]))
}

/** A bug in one delivery is that delivery's: it is tried again later. */
async function attempt(work: () => Promise<number>, said: Buffer[]): Promise<number> {
  try {
    return await work()
  } catch (error) {
    said.push(Buffer.from(error instanceof Error ? `bug: ${error.message}` : String(error)))
    return exits.tryAgain
  }
}
