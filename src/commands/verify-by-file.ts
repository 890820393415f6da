// sendmail -bv -C FILE: where addresses would lead by a sendmail.mc that no system runs on, with the tables as they are compiled now
// and the files that whoever asks may read.
import { readFileSync } from "node:fs"
import { layoutOf } from "../daemon/layout.ts"
import { makeAccounts } from "../host/accounts.ts"
import { openSiteMaps } from "../host/rule-maps.ts"
import { makeTables } from "../host/tables.ts"
import type { Dns, UserFile } from "../mail/world.ts"
import { reply } from "../mail/reply.ts"
import { because, no } from "../mail/decision.ts"
import { type Explained, explainAddress } from "../routing/explain-address.ts"
import { makeRouting } from "../routing/routing.ts"
import { loadConfiguration } from "./configuration.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { resolverFor } from "./resolver-option.ts"

export type Verifier = {
  readonly explain: (address: string) => Promise<Explained>
  close(): void
}

/** Opens the configuration; its warnings and what its tables bring up go to standard error. */
export function verifierOf(file: string, state: string, io: Io): Verifier {
  const loaded = loadConfiguration(file, state)
  if (!loaded.ok) throw new Refusal(loaded.error, exits.config)
  const { settings } = loaded.value
  const say = (line: string) => void io.stderr.write(`${line}\n`)
  const tables = makeTables(settings.tables, say)
  if (!tables.ok) throw new Refusal(tables.error, exits.config)
  const dns: Dns = resolverFor(io.env["WAYPOST_RESOLVER"])
  const accounts = makeAccounts({
    passwd: "/etc/passwd",
    usersFile: layoutOf(state).usersFile,
    asRoot: process.getuid?.() === 0,
  })
  const maps = openSiteMaps(settings, tables.value.byName, { dns, accounts, say })
  const routing = makeRouting({
    settings,
    tables: tables.value.byName,
    accounts,
    readUserFile: async (path) => readNow(path),
    dns,
    srs: undefined,
    siteRules: { map: maps.map, dns },
  })
  return {
    explain: (address) => explainAddress({ typed: address }, { routing, gate: nobodyAsks }),
    close() {
      maps.close()
      tables.value.close()
    },
  }
}

/** No client and no sender is named, so no gate is asked. */
const unasked = no(reply(550, "5.7.1", "nobody asks"), because("gate", "nobody asks"))
const nobodyAsks = { sender: async () => unasked, recipient: async () => unasked }

function readNow(path: string): UserFile {
  try {
    return { found: "text", text: readFileSync(path, "utf8") }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === "ENOENT" || code === "ENOTDIR"
      ? { found: "nothing" }
      : { found: "unavailable", why: message }
  }
}
