// A session of SMTP with scripted filters in its way, and what came of it.
import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after } from "node:test"
import { type ScriptedMilter, type Script, startMilter } from "./milter.ts"
import { lines, MemorySpool, sessionOf, type Stored } from "./server.ts"
import { mc, settingsOf } from "./site.ts"
import type { OptionValue } from "../../src/config/settings.ts"
import { parseMailbox } from "../../src/mail/address.ts"
import { because, no, yes } from "../../src/mail/decision.ts"
import { reply } from "../../src/mail/reply.ts"
import { makeMilters, type MilterParts } from "../../src/daemon/milters.ts"

/** Where large messages are kept. */
export const directory = mkdtempSync(join(tmpdir(), "waypost-milters-"))
after(() => rmSync(directory, { recursive: true, force: true }))

export type MilterHost = {
  readonly filters: readonly (Script & { readonly name?: string; readonly equates?: string })[]
  readonly options?: Readonly<Record<string, OptionValue>>
  readonly world?: Pick<MilterParts, "names" | "route">
  readonly reached?: string
}

/** What came of it. */
export type Played = {
  readonly said: readonly string[]
  readonly stored: readonly Stored[]
  readonly filters: readonly ScriptedMilter[]
  readonly log: readonly string[]
  readonly refusals: readonly string[]
}

/** A session with the scripted filters in its way. */
export async function play(
  commands: readonly string[],
  { filters, options, world, reached }: MilterHost,
): Promise<Played> {
  const started = await Promise.all(filters.map((script) => startMilter(script)))
  const names = filters.map(({ name }, n) => name ?? `f${n + 1}`)
  const settings = {
    ...settingsOf({ options: { InputMailFilters: names, ...options } }),
    filters: new Map(
      names.map((name, n) => {
        const equates = `S=${started[n]?.socket}, ${filters[n]?.equates ?? "F=T"}`
        return [name, { name, equates, at: mc(40 + n) }]
      }),
    ),
  }
  const log: string[] = []
  const made = makeMilters({
    settings,
    directory,
    ...world,
    log: (_id, line) => log.push(line),
    async read(address) {
      const mailbox = parseMailbox(address.includes("@") ? address : `${address}@grussell.org`)
      return mailbox.ok
        ? yes(mailbox.value, because("read", "it is an address"))
        : no(reply(553, "5.1.3", "no"), because("read", mailbox.error))
    },
  })
  assert.ok(made.ok, made.ok ? "" : made.error)
  const milters = made.value("MTA")
  assert.ok(milters !== undefined)
  const spool = new MemorySpool()
  const text = commands.map((line) => `${line}\r\n`).join("")
  const arrival = reached === undefined ? {} : { arrival: { reached } }
  const { said, traces } = await sessionOf([text], { spool, world: { milters }, ...arrival })
  assert.deepEqual(traces.bugs, [])
  await Promise.all(started.map((one) => one.close()))
  assert.deepEqual(readdirSync(directory), [], "nothing is left behind")
  const refusals = traces.events.map(
    ({ status, reason }) => `${status} | ${reason?.step} ${reason?.says} ${reason?.at?.line}`,
  )
  return { said: lines(said), stored: spool.stored, filters: started, log, refusals }
}

/** Commands up to DATA. */
export const letter = [
  "EHLO pc236b.napier.ac.uk",
  "MAIL FROM:<andrew@napier.ac.uk> SIZE=100",
  "RCPT TO:<gordon@grussell.org> NOTIFY=NEVER",
  "DATA",
]
/** What comes after it. */
export const message = [
  "From: andrew@napier.ac.uk",
  "Subject: lunch",
  "X-Old: 1",
  "X-Old: 2",
  "",
  "At noon.",
  "..",
  ".",
]
/** All of it. */
export const mail = [...letter, ...message, "QUIT"]
