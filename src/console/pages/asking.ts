// What the pages ask of the server, and who is logged in. A 401 brings the login back, whatever was asked.
import { signal } from "@preact/signals"
import { useEffect, useRef, useState } from "preact/hooks"
import type { CallName, Calls, Session } from "../api.ts"
import { ApiFailure, call, type CallOptions } from "./calling.ts"

/** Undefined: not known yet; "none": nobody is logged in. */
export const session = signal<Session | "none" | undefined>(undefined)

/** Asks; with the CSRF token of the session. */
export async function ask<Name extends CallName>(
  name: Name,
  asked: Calls[Name]["in"],
  options: CallOptions = {},
): Promise<Calls[Name]["out"]> {
  const who = session.value
  try {
    return await call(name, asked, { ...options, ...(typeof who === "object" ? { csrf: who.csrf } : {}) })
  } catch (error) {
    if (error instanceof ApiFailure && error.code === 401 && name !== "POST /api/login")
      session.value = "none"
    throw error
  }
}

/** Who is logged in, as the server has written it into the page. */
export function readSession(): void {
  const content = document.querySelector<HTMLMetaElement>('meta[name="session"]')?.content ?? ""
  session.value = content === "" ? "none" : (JSON.parse(content) as Session) // our own server of our own version
}

/** Why something did not work, and what to do. */
export type Trouble = { readonly error: string; readonly hint: string | undefined }

/** The words of whatever was thrown. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof ApiFailure) return { error: error.message, hint: error.hint }
  return {
    error: "the console does not answer",
    hint: error instanceof TypeError ? "is waypost start still running?" : String(error),
  }
}

/** An answer that is awaited, there, or missing; an older value stays visible while a new one is awaited. */
export type Awaited<Value> = {
  readonly value: Value | undefined
  readonly trouble: Trouble | undefined
  readonly busy: boolean
  readonly again: () => void
}

/** Asks whenever `key` changes or `again` is called; an answer that has been overtaken is dropped. */
export function useAnswer<Value>(key: string, get: (signal: AbortSignal) => Promise<Value>): Awaited<Value> {
  const [state, setState] = useState<Omit<Awaited<Value>, "again">>({
    value: undefined,
    trouble: undefined,
    busy: true,
  })
  const [round, setRound] = useState(0)
  const getNow = useRef(get)
  getNow.current = get
  useEffect(() => {
    const control = new AbortController()
    setState(({ value }) => ({ value, trouble: undefined, busy: true }))
    getNow.current(control.signal).then(
      (value) => control.signal.aborted || setState({ value, trouble: undefined, busy: false }),
      (error: unknown) =>
        control.signal.aborted ||
        setState(({ value }) => ({ value, trouble: troubleOf(error), busy: false })),
    )
    return () => control.abort()
  }, [key, round])
  return { ...state, again: () => setRound((n) => n + 1) }
}

/** One thing that is done on a press: `run` does it; what came of it is kept until the next. */
export function useDoing<Value>(): {
  readonly value: Value | undefined
  readonly trouble: Trouble | undefined
  readonly busy: boolean
  readonly run: (doing: () => Promise<Value>) => void
  readonly clear: () => void
} {
  const empty = { value: undefined, trouble: undefined, busy: false }
  const [state, setState] = useState<{
    value: Value | undefined
    trouble: Trouble | undefined
    busy: boolean
  }>(empty)
  const run = (doing: () => Promise<Value>): void => {
    setState(({ value }) => ({ value, trouble: undefined, busy: true }))
    doing().then(
      (value) => setState({ value, trouble: undefined, busy: false }),
      (error: unknown) => setState({ value: undefined, trouble: troubleOf(error), busy: false }),
    )
  }
  return { ...state, run, clear: () => setState(empty) }
}
