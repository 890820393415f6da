// What this machine is called and which addresses are its own: the facts that sendmail finds out at start.
import { readFileSync } from "node:fs"
import { hostname, networkInterfaces } from "node:os"

export type HostFacts = {
  /** The full name where one can be found, else what the kernel says. */
  readonly hostname: string
  readonly addresses: readonly string[]
}

/** The name is the first one with a dot beside the kernel's name in /etc/hosts, as gethostbyname(3) would give it. */
export function hostFacts(hosts = "/etc/hosts"): HostFacts {
  const own = hostname().toLowerCase()
  const addresses = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map((one) => one.address),
  )
  return { hostname: own.includes(".") ? own : (fullName(own, hosts) ?? own), addresses }
}

function fullName(short: string, hosts: string): string | undefined {
  for (const line of readHosts(hosts).split("\n")) {
    const names = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/).slice(1)
    if (names.includes(short)) {
      const full = names.find((name) => name.startsWith(`${short}.`))
      if (full !== undefined) return full
    }
  }
  return undefined
}

function readHosts(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return "" // no hosts file: the kernel's name stands
  }
}
