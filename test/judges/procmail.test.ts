// Debian's procmail as the judge of ours: the same recipes and messages, once in its chroot and once here, must end the same way in
// files, forwards, what programs were given, and exit codes.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import type { Setup } from "../../src/filters/procmail-machine.ts"
import { procmail } from "../../src/filters/procmail.ts"
import { fulfil } from "../../src/mailers/procmail-world.ts"
import { houseOf, withoutPeers } from "../kit/peers.ts"
import { cases, messages, type ProcmailCase } from "./procmail-cases.ts"

const skip = withoutPeers("procmail")
let base = ""

before(() => {
  if (skip !== false) return
  mkdirSync(join(houseOf("procmail"), "tmp"), { recursive: true })
  base = mkdtempSync(join(houseOf("procmail"), "tmp/recipes-"))
  chmodSync(base, 0o755)
})

after(() => {
  if (base !== "") rmSync(base, { recursive: true, force: true })
})

type Pair = {
  readonly name: string
  readonly n: number
  readonly recipe: ProcmailCase
  readonly message: string
  /**
   * With a log of everything, in the file `verbose`: where no log is the case's own, none tells of locks tried many
   * times, and none of test(1), which procmail 3.22 gives to a shell and 3.24 does not.
   */
  readonly verbose: boolean
}

const names = Object.keys(messages)

/** Each recipe with the messages it names; with one of three others, in turn, when it names none. */
function pairs(): Pair[] {
  return Object.entries(cases)
    .flatMap(([name, recipe], n) => {
      const turn = [names[n % 3] ?? "plain"]
      const verbose = !/LOGFILE|VERBOSE|no\/such|\? test /.test(recipe.rc)
      return (recipe.messages ?? turn).map((message) => ({ name, recipe, message, verbose }))
    })
    .map((pair, n) => ({ ...pair, n }))
}

type Outcome = { readonly code: number; readonly files: Readonly<Record<string, string>> }

test("recipes end as with Debian's procmail: files, forwards, programs' input, exit codes; and VERBOSE says the same", {
  skip,
}, async (t) => {
  const waiting = pairs()
  const count = waiting.length
  const logs = waiting.filter(({ verbose }) => verbose).length
  const disagree: string[] = []
  const otherLog: string[] = []
  // procmail sleeps a second after each mailbox it makes, so many are asked at once.
  const hands = Array.from({ length: 48 }, async () => {
    for (let pair = waiting.shift(); pair !== undefined; pair = waiting.shift()) {
      const name = `${pair.name} × ${pair.message}`
      const theirs = splitLog(await judge(pair))
      const own = splitLog(await ours(pair))
      if (theirs.rest !== own.rest) {
        disagree.push(name)
        t.diagnostic(`${name}: ${JSON.stringify({ theirs: theirs.rest, own: own.rest })}`)
      }
      if (theirs.log === own.log) continue
      otherLog.push(name)
      t.diagnostic(`${name}\n--- theirs\n${theirs.log}\n--- ours\n${own.log}`)
    }
  })
  await Promise.all(hands)
  t.diagnostic(
    `${count - disagree.length} of ${count} pairs agree; ${logs - otherLog.length} of ${logs} logs do`,
  )
  assert.ok(count >= 150, `${count} pairs are too few`)
  assert.deepEqual(disagree, [])
  assert.deepEqual(otherLog, [])
})

/** The verbose log, and all else. */
function splitLog({ code, files }: Outcome): { readonly log: string; readonly rest: string } {
  const { verbose = "", ...others } = files
  return { log: withoutChance(verbose), rest: JSON.stringify({ code, others }) }
}

/** A verbose log without what differs by chance: dates, process ids, unique names, and the order of what is done at once. */
function withoutChance(log: string): string {
  return log
    .replaceAll(/^procmail: (?:\[\d+\]|Timeout, was waiting for) .*\n/gm, "") // its alarm rings once more, for whatever comes next
    .replaceAll(/^procmail: Error while writing to .*\n/gm, "") // whether a program that ends at once has taken it before
    .replaceAll(/\bmsg\.[^"\s]+/g, "msg.X")
    .replaceAll(/\/(new|cur|tmp)\/[^"\s]+/g, "/$1/X")
    .replaceAll(/^( {2}Folder: .*?)\t+ *(\d+)$/gm, "$1 $2")
    .replaceAll(/^( {2}Folder: .{0,40}?)(?:@|(?<=[ >])\/|(?<=.{50})).*( \d+)$/gm, "$1...$2") // cut at 61 letters, and directories have names of their own
    .split("\n")
    .toSorted()
    .join("\n")
}

/** Everything a case needs, in a directory of its own; `shown` is how whoever reads the rcfile sees that directory. */
function prepare(directory: string, shown: string, { recipe, verbose }: Pair): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  const put = (text: string) => text.replaceAll("@DIR@", shown)
  const first = `SHELL=/bin/sh\nLOCKSLEEP=1\nSUSPEND=1\nNORESRETRY=1\nMAILDIR=${shown}\nDEFAULT=inbox\nORGMAIL=lastinbox\nSENDMAIL=${shown}/sendmail\n`
  const log = verbose ? `VERBOSE=yes\nLOGFILE=${shown}/verbose\n` : ""
  writeFileSync(join(directory, "rc"), first + log + put(recipe.rc), { mode: 0o600 })
  for (const [file, text] of Object.entries(recipe.files ?? {}))
    writeFileSync(join(directory, `rc.${file}`), put(text), { mode: file === "script" ? 0o700 : 0o600 })
  const sendmail = `#!/bin/sh\n(echo "ARGS:$*"; cat) >>${shown}/forwarded\n`
  writeFileSync(join(directory, "sendmail"), sendmail, { mode: 0o755 })
}

async function judge(pair: Pair): Promise<Outcome> {
  const directory = join(base, String(pair.n), "theirs")
  const shown = directory.slice(houseOf("procmail").length)
  prepare(directory, shown, pair)
  const args = [houseOf("procmail"), "/usr/bin/procmail", ...(pair.recipe.args ?? []), `${shown}/rc`]
  const env = { PATH: "/usr/bin:/bin" }
  const child = spawn("/usr/sbin/chroot", args, { env, detached: true, stdio: ["pipe", "ignore", "ignore"] })
  child.stdin.on("error", () => {}) // it has its message, or needs none
  child.stdin.end(octetsOf(pair))
  const [code] = (await once(child, "exit")) as [number]
  while (isAlive(child.pid)) await sleep(20) // programs that it did not wait for: their end is nobody's event
  return { code, files: filesIn(directory, shown) }
}

/** Whether a process of this group is there. */
function isAlive(group: number | undefined): boolean {
  try {
    return group !== undefined && process.kill(-group, 0)
  } catch {
    return false
  }
}

async function ours(pair: Pair): Promise<Outcome> {
  const directory = join(base, String(pair.n), "ours")
  prepare(directory, directory, pair)
  const setup: Setup = {
    user: "root",
    home: "/root",
    shell: "/bin/sh",
    hostname: hostname(),
    orgmail: "/var/mail/root",
    path: "/usr/local/bin:/usr/bin:/bin",
    sendmail: "/usr/sbin/sendmail",
    pid: process.pid,
    arguments: [],
    program: "procmail",
    berkeley: false,
    softFail: pair.recipe.args?.includes("-t") === true,
    environment: new Map(),
    directory: "/root",
    tellAll: false,
  }
  const rc = `${directory}/rc`
  const steps = procmail(setup, octetsOf(pair), [
    { kind: "rcfile", path: rc, strict: true, optional: false, system: false, directory: "/root" },
  ])
  const { exitCode } = await fulfil(steps, { print: () => {}, say: () => {} })
  return { code: exitCode, files: filesIn(directory, directory) }
}

function octetsOf({ message }: Pair): Buffer {
  return Buffer.from(messages[message] ?? "", "latin1")
}

/** All files by name and text; those whose names are unique by chance are only counted. */
function filesIn(directory: string, shown: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  walk(directory, "")
  return found

  function walk(folder: string, prefix: string): void {
    const unique = /(?:^|\/)(?:new|cur|tmp)\/$/.test(prefix)
    readdirSync(folder)
      .toSorted()
      .forEach((name, n) => {
        if (prefix === "" && /^(?:rc|rc\..*|sendmail)$/.test(name)) return
        const path = join(folder, name)
        if (statSync(path).isDirectory()) {
          found[`${prefix}${name}/`] = ""
          walk(path, `${prefix}${name}/`)
        } else {
          const known = unique ? `mail ${n}` : name.startsWith("msg.") ? `msg ${n}` : name
          found[prefix + known] = readFileSync(path, "latin1").replaceAll(shown, "@DIR@")
        }
      })
  }
}
