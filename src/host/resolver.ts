// The resolver of this machine: /etc/hosts and /etc/resolv.conf, or one server that was named instead.
import { readFileSync } from "node:fs"
import { fail, type Result } from "../mail/result.ts"
import type { Dns } from "../mail/world.ts"
import { type ResolverOptions, resolverFrom } from "./dns.ts"
import { hostsFile } from "./hosts.ts"

/** `resolver` is "ADDR:PORT", or undefined for what /etc/resolv.conf names. */
export function systemResolver(resolver: string | undefined, asked?: ResolverOptions["asked"]): Result<Dns> {
  try {
    const resolvConf = resolver === undefined ? readConf("/etc/resolv.conf") : ""
    return resolverFrom({ resolvConf, resolver, hosts: hostsFile("/etc/hosts"), asked })
  } catch (error) {
    return fail(`/etc/resolv.conf: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Without the file the server on this machine is asked (resolv.conf(5)). */
function readConf(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return ""
    throw error
  }
}
