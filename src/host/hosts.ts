// /etc/hosts: addresses of names and names of addresses, read again when the file has changed.
import { readFileSync, statSync } from "node:fs"
import { isIP } from "node:net"

export type HostsTable = {
  /** In the order of the file. */
  readonly addresses: ReadonlyMap<string, readonly string[]>
  /** The canonical name first (hosts(5)). */
  readonly names: ReadonlyMap<string, readonly string[]>
}

/** Reads hosts(5). Lines that do not begin with an address are passed over. */
export function parseHostsFile(text: string): HostsTable {
  const addresses = new Map<string, string[]>()
  const names = new Map<string, string[]>()
  for (const line of text.split("\n")) {
    const [address = "", ...hosts] = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/)
    if (isIP(address) === 0) continue
    for (const host of hosts) {
      add(addresses, host, address)
      add(names, address, host)
    }
  }
  return { addresses, names }
}

function add(table: Map<string, string[]>, key: string, value: string): void {
  const known = table.get(key)
  if (known === undefined) table.set(key, [value])
  else if (!known.includes(value)) known.push(value)
}

export type Hosts = { table(): HostsTable }

const empty: HostsTable = { addresses: new Map(), names: new Map() }
const lookEveryMs = 1000

/** The file as it is now; looked at once a second at most. No file: no entries, as for everybody else on the machine. */
export function hostsFile(path: string, now: () => number = () => performance.now()): Hosts {
  let table = empty
  let mark = ""
  let next = Number.NEGATIVE_INFINITY
  return {
    table() {
      if (now() < next) return table
      next = now() + lookEveryMs
      const found = markOf(path)
      if (found === mark) return table
      mark = found
      table = found === "" ? empty : read(path)
      return table
    },
  }
}

/** A mark that changes whenever the file does; "" when there is none. */
function markOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? "" : `${found.ino} ${found.size} ${found.mtimeNs}`
}

function read(path: string): HostsTable {
  try {
    return parseHostsFile(readFileSync(path, "utf8"))
  } catch {
    return empty // not readable: the C library has no entries either
  }
}
