// Asking the mail system for the console: every question goes over its control socket, as the commands' questions do. A failure
// carries the code that HTTP has for it.
import { type Answer, ask, type Request } from "../commands/control-client.ts"
import { exits, Refusal } from "../commands/io.ts"

/** Something that the one who asked must hear; `status` is HTTP's. */
export class Refused extends Error {
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 422 | 429 | 503
  readonly hint: string | undefined

  constructor(status: Refused["status"], message: string, hint?: string) {
    super(message)
    this.status = status
    this.hint = hint
  }
}

/** Asks the running system; one object for each line of the answer. */
export type Ask = (request: Request, signal?: AbortSignal) => AsyncIterable<Answer>

/** Asks the system of this state directory. */
export function asking(state: string): Ask {
  return async function* (request, signal) {
    try {
      yield* ask(state, request, signal)
    } catch (error) {
      throw error instanceof Refusal ? refused(error) : error
    }
  }
}

function refused({ code, message }: Refusal): Refused {
  switch (code) {
    case exits.noUser:
      return new Refused(404, message)
    case exits.usage:
    case exits.dataError:
      return new Refused(400, message)
    case exits.noPermission:
      return new Refused(403, message)
    default:
      return new Refused(503, message, "the console goes on when the mail system answers again")
  }
}

/** The first line of an answer. */
export async function first(answers: AsyncIterable<Answer>): Promise<Answer> {
  for await (const answer of answers) return answer
  return {}
}
