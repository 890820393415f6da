// One function that calls the API, with the types of its contract.
import type { ApiError, CallName, Calls } from "../api.ts"

/** What an answer was when it was no success. */
export class ApiFailure extends Error {
  readonly code: number
  readonly hint: string | undefined

  constructor(code: number, { error, hint }: ApiError) {
    super(error)
    this.code = code
    this.hint = hint
  }
}

export type CallOptions = {
  /** Of the session; needed for everything but GET. */
  readonly csrf?: string
  /** For `:id`. */
  readonly id?: string
  readonly signal?: AbortSignal
}

/** Calls one; throws an ApiFailure when the answer is no success. The live events are `new EventSource("/api/events")`. */
export async function call<Name extends CallName>(
  name: Name,
  asked: Calls[Name]["in"],
  { csrf, id, signal }: CallOptions = {},
): Promise<Calls[Name]["out"]> {
  const [method = "GET", path = ""] = name.split(" ")
  const where = path.replace(":id", encodeURIComponent(id ?? ""))
  const reads = method === "GET"
  const response = await fetch(reads ? where + queryOf(asked) : where, {
    method,
    headers: {
      accept: "application/json",
      ...(reads ? {} : { "content-type": "application/json" }),
      ...(csrf === undefined ? {} : { "x-csrf-token": csrf }),
    },
    ...(reads ? {} : { body: JSON.stringify(asked) }),
    ...(signal === undefined ? {} : { signal }),
  })
  const answer: unknown = await response.json()
  if (!response.ok) throw new ApiFailure(response.status, errorOf(answer))
  return answer as Calls[Name]["out"] // our own server of our own version: its tests hold it to these types
}

function queryOf(asked: object | undefined): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(asked ?? {}))
    if (value !== undefined) query.set(key, String(value))
  return query.size === 0 ? "" : `?${query}`
}

function errorOf(answer: unknown): ApiError {
  if (typeof answer === "object" && answer !== null && "error" in answer && typeof answer.error === "string")
    return {
      error: answer.error,
      ...("hint" in answer && typeof answer.hint === "string" ? { hint: answer.hint } : {}),
    }
  return { error: "the console answered something that is not understood" }
}
