// Pigeonhole's sieve-test as the judge of our Sieve: the same scripts on the same messages must come to the same actions.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { compileSieve } from "../../src/filters/sieve-compile.ts"
import { SieveMessage } from "../../src/filters/sieve-message.ts"
import { runSieve } from "../../src/filters/sieve-run.ts"
import type { Action } from "../../src/filters/sieve-state.ts"
import { houseOf, withoutPeers } from "../kit/peers.ts"
import { sieveCases, sieveMessages } from "./sieve-cases.ts"

const skip = withoutPeers("sieve-test")
let base = ""
const shown = () => base.slice(houseOf("sieve-test").length)

before(() => {
  if (skip !== false) return
  mkdirSync(join(houseOf("sieve-test"), "tmp"), { recursive: true })
  base = mkdtempSync(join(houseOf("sieve-test"), "tmp/scripts-"))
  chmodSync(base, 0o777)
  for (const [name, text] of Object.entries(sieveMessages))
    writeFileSync(join(base, name), text.replaceAll("\n", "\r\n"), { mode: 0o644 })
})

after(() => {
  if (base !== "") rmSync(base, { recursive: true, force: true })
})

type Pair = { readonly name: string; readonly script: string; readonly message: string; readonly n: number }

const names = Object.keys(sieveMessages)

function pairs(): readonly Pair[] {
  return Object.entries(sieveCases)
    .flatMap(([name, { script, messages }], n) => {
      const turn = [names[n % 3] ?? "plain", names[(n + 1) % 3] ?? "list"]
      return (messages ?? turn).map((message) => ({ name, script, message }))
    })
    .map((pair, n) => ({ ...pair, n }))
}

const envelope = { from: "sender@example.org", to: "bob+work@grussell.org" }

test("scripts come to the same actions as with Pigeonhole's sieve-test", { skip }, async (t) => {
  const waiting = [...pairs()]
  const count = waiting.length
  const disagree: string[] = []
  const hands = Array.from({ length: 4 }, async () => {
    for (let pair = waiting.shift(); pair !== undefined; pair = waiting.shift()) {
      const theirs = await judge(pair)
      const own = ours(pair)
      if (theirs === own) continue
      disagree.push(`${pair.name} × ${pair.message}`)
      t.diagnostic(`${pair.name} × ${pair.message}: theirs ${theirs}; ours ${own}`)
    }
  })
  await Promise.all(hands)
  t.diagnostic(`${count - disagree.length} of ${count} pairs agree`)
  assert.ok(count >= 100, `${count} pairs are too few`)
  assert.deepEqual(disagree, [])
})

async function judge({ script, message, n }: Pair): Promise<string> {
  const file = join(base, `${n}.sieve`)
  writeFileSync(file, script, { mode: 0o644 })
  const args = ["--userspec=nobody:nogroup", houseOf("sieve-test"), "/usr/bin/sieve-test"]
  const asked = [
    "-x",
    "+editheader +vacation-seconds",
    "-f",
    envelope.from,
    "-r",
    envelope.to,
    "-a",
    envelope.to,
  ]
  const files = [`${shown()}/${n}.sieve`, `${shown()}/${message}`]
  const { code, text } = await new Promise<{ code: number; text: string }>((resolve) => {
    execFile(
      "/usr/sbin/chroot",
      [...args, ...asked, ...files],
      { env: { PATH: "/usr/bin:/bin", HOME: shown(), TZ: "UTC", USER: "nobody" } },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), text: `${stdout}\n${stderr}` }),
    )
  })
  if (/failed to (?:compile|open sieve script)/.test(text)) return "no script"
  if (/resolved with successful implicit keep/.test(text)) return "store INBOX"
  if (code !== 0) return `exit ${code}: ${text}`
  return wordsOf(text)
}

/** The actions in sieve-test's words, without its layout. */
function wordsOf(text: string): string {
  const found: string[] = []
  for (const line of text.slice(text.indexOf("Performed actions:")).split("\n")) {
    const store = /^ \* store message in folder: (.*)$/.exec(line)?.[1]
    const redirect = /^ \* redirect message to: <?([^>]*)>?$/.exec(line)?.[1]
    const flags = /^ {3,}\+ add IMAP flags: (.*)$/.exec(line)?.[1]
    if (store !== undefined) found.push(`store ${store}`)
    else if (redirect !== undefined) found.push(`redirect ${redirect}`)
    else if (flags !== undefined) found[found.length - 1] += ` flags ${flagList(flags.trim().split(/\s+/))}`
    else if (line.startsWith(" * reject message")) found.push("reject")
    else if (line.startsWith(" * discard")) found.push("discard")
    else if (line.startsWith(" * send vacation")) found.push("vacation")
  }
  return found.join(", ")
}

function ours({ script, message }: Pair): string {
  const compiled = compileSieve("script", script)
  if (!compiled.ok) return "no script"
  const bytes = Buffer.from((sieveMessages[message] ?? "").replaceAll("\n", "\r\n"))
  const world = { message: new SieveMessage(bytes), envelope, now: Date.now(), zone: 0, tellAll: false }
  const next = runSieve(compiled.script, world).next()
  if (next.done !== true) throw new Error(`${script} asks for more than the message`)
  return next.value.actions.flatMap(shownAction).join(", ")
}

function shownAction(action: Action): readonly string[] {
  switch (action.kind) {
    case "store": {
      const flags = action.flags.length === 0 ? "" : ` flags ${flagList(action.flags)}`
      return [`store ${action.folder ?? "INBOX"}${flags}`]
    }
    case "redirect":
      return [`redirect ${action.address}`]
    case "reject":
    case "vacation":
    case "discard":
      return [action.kind]
  }
}

/** In one order; the system's flags in one case. */
function flagList(flags: readonly string[]): string {
  return flags
    .map((flag) => (flag.startsWith("\\") ? flag.toLowerCase() : flag))
    .toSorted()
    .join(" ")
}
