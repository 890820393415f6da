// Questions for the records of keys: each name once a message. The threads for signatures keep answers as well, for a question over to
// the mail process costs more than a signature's check.
import type { Asked } from "../auth/verification.ts"
import { Cache } from "../host/dns-cache.ts"
import type { Resolver } from "./mailauth-keys.ts"
import type { TxtAnswer } from "./mailauth-requests.ts"

/** Asks for the text records of a name. */
export type Ask = (name: string) => Promise<TxtAnswer>

const kept = new Cache<TxtAnswer>(2000)

/** A thread's questions: an answer is kept there for as long as DNS lets it live. */
export function remembered(ask: Ask): Ask {
  return async (name) => {
    const before = kept.get(name, performance.now())
    if (before !== undefined) return before.value
    const answer = await ask(name)
    if (answer.found === "records") kept.set(name, answer, performance.now() + answer.ttl * 1000)
    return answer
  }
}

/** One message's questions: each name is asked once, and what was said of it is noted. */
export function askOnce(ask: Ask, noted: Asked[]): Ask {
  const asked = new Map<string, Promise<TxtAnswer>>()
  return (name) => {
    const key = name.toLowerCase().replace(/\.$/, "")
    const before = asked.get(key)
    if (before !== undefined) return before
    const question = ask(key).then((answer) => {
      noted.push({ name: key, found: answer.found, said: wordsFor(answer) })
      return answer
    })
    asked.set(key, question)
    return question
  }
}

function wordsFor(answer: TxtAnswer): string {
  return answer.found === "records" ? answer.records.map((text) => `"${text}"`).join(", ") : answer.why
}

/** The same as mailauth wants it: node:dns' answers and error codes. */
export function resolverOf(ask: Ask): Resolver {
  return async (name) => {
    const answer = await ask(name)
    if (answer.found === "records") return answer.records.map((text) => [text])
    const code =
      answer.found === "unavailable" ? "ESERVFAIL" : answer.why === "no such name" ? "ENOTFOUND" : "ENODATA"
    throw Object.assign(new Error(answer.why), { code })
  }
}
