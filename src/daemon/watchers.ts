// Who looks over the shoulder of a session: `waypost talk` is told the reasons behind each reply of its own connection.
import type { Reason } from "../mail/decision.ts"

export type Watched = { readonly reply: string; readonly reason: Reason | undefined }

export class Watchers {
  readonly #watching = new Map<string, Set<(seen: Watched) => void>>()

  /** Called for every reply that has a reason; costs nothing while nobody watches. */
  tell(client: { readonly address: string; readonly port: number } | undefined, see: () => Watched): void {
    if (this.#watching.size === 0 || client === undefined) return
    for (const listener of this.#watching.get(`${client.address}:${client.port}`) ?? []) listener(see())
  }

  /** What is said to this client ("127.0.0.1:54321") until the signal fires. */
  async *watch(client: string, signal: AbortSignal): AsyncIterable<Watched> {
    const seen: Watched[] = []
    let wake: () => void = () => {}
    const listener = (one: Watched) => {
      seen.push(one)
      wake()
    }
    signal.addEventListener("abort", () => wake())
    const listeners = this.#watching.get(client) ?? new Set()
    this.#watching.set(client, listeners.add(listener))
    try {
      while (!signal.aborted) {
        for (const one of seen.splice(0)) yield one
        await new Promise<void>((resolve) => {
          wake = resolve
          if (seen.length > 0 || signal.aborted) resolve()
        })
      }
    } finally {
      listeners.delete(listener)
      if (listeners.size === 0) this.#watching.delete(client)
    }
  }
}
