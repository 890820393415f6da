// What other hosts said last, for hoststat: kept while the system runs, bounded, only where the configuration wants host status.

/** A host and how the last attempt with it ended. */
export type HostStatus = {
  /** "mx1.example.org" */
  readonly host: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** The enhanced code. */
  readonly status: string
  readonly says: string
}

/** What commands may ask: the list, that it be forgotten, and that each host which did not answer be asked again by one message. */
export type HostMemory = {
  list(): readonly HostStatus[]
  forget(): void
  askAgain(): void
}

const mostHosts = 10_000

/** The last word about each host, the latest at the end. */
export class HostStatuses implements Pick<HostMemory, "list" | "forget"> {
  readonly #byHost = new Map<string, HostStatus>()

  /** `remote` is a status's own: "mx1.example.org [192.0.2.7]", or a domain that was never reached. */
  note(remote: string | undefined, status: Omit<HostStatus, "host">): void {
    const host = remote?.split(" ", 1)[0]?.toLowerCase().replace(/\.$/, "")
    if (host === undefined || host === "") return
    this.#byHost.delete(host)
    if (this.#byHost.size >= mostHosts) {
      const oldest = this.#byHost.keys().next().value
      if (oldest !== undefined) this.#byHost.delete(oldest)
    }
    this.#byHost.set(host, { host, ...status })
  }

  list(): readonly HostStatus[] {
    return [...this.#byHost.values()]
  }

  forget(): void {
    this.#byHost.clear()
  }
}
