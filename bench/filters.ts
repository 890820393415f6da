// What users' own rules cost: `node bench/filters.ts`. Fifty procmail recipes on a message of 10 KiB, our CPU alone; and 2,000
// deliveries of a whole system into a Maildir, with 20 rules of Sieve, with 50 recipes, and without any (as root).
import { chownSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Answer, Wish } from "../src/filters/procmail-effects.ts"
import { procmail } from "../src/filters/procmail.ts"
import { compileSieve } from "../src/filters/sieve-compile.ts"
import { SieveMessage } from "../src/filters/sieve-message.ts"
import { runSieve } from "../src/filters/sieve-run.ts"
import { Session, System } from "../test/kit/system.ts"

const setup = {
  user: "bob",
  home: "/home/bob",
  shell: "/bin/sh",
  hostname: "grussell.org",
  orgmail: "/var/mail/bob",
  path: "/bin",
  sendmail: "/usr/sbin/sendmail",
  pid: 1,
  arguments: [],
  program: "procmail",
  berkeley: false,
  softFail: false,
  environment: new Map<string, string>(),
  directory: "/home/bob",
  tellAll: false,
}

const recipes = Array.from({ length: 50 }, (_, n) => {
  if (n % 5 === 0) return `:0:\n* ^TO_list${n}@example\\.org\nlist${n}\n`
  if (n % 5 === 1) return `:0 B\n* unsubscribe me ${n} (now|please)\nno${n}\n`
  return `:0:\n* ^(From|Sender):.*person${n}@\n* ^Subject:.*(word${n}|offer)\nperson${n}\n`
}).join("\n")

const header = Array.from({ length: 20 }, (_, n) => `X-Field-${n}: ${"value ".repeat(15)}\n`).join("")
const message = `From: ann@example.org\nTo: bob@grussell.org\nSubject: hello\n${header}\n${"text of a line\n".repeat(540)}`
const octets = Buffer.from(message)

function answer(wish: Wish): Answer {
  if (wish.wish === "read") return { answer: "text", text: recipes }
  if (wish.wish === "store")
    return { answer: "stored", ok: true, folder: "", octets: wish.message.length, why: "" }
  return { answer: "done" }
}

function deliverOnce(): void {
  const steps = procmail(setup, octets, [
    { kind: "rcfile", path: "/rc", strict: true, optional: false, system: false, directory: "/home/bob" },
  ])
  for (let next = steps.next(); next.done !== true; ) next = steps.next(answer(next.value))
}

/** Milliseconds of CPU for each run. */
function cpu(rounds: number, work: () => void): number {
  const began = process.cpuUsage()
  for (let n = 0; n < rounds; n++) work()
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1000 / rounds
}

const rules = Array.from(
  { length: 20 },
  (_, n) =>
    `if anyof (header :contains "subject" "word${n}", address :localpart :is "from" "person${n}", header :matches "list-id" "*<list${n}.*") { fileinto "Lists.l${n}"; stop; }`,
)
const script = `require "fileinto";\n${rules.join("\n")}\n`

function sieveOnce(): void {
  const compiled = compileSieve("s", script)
  if (!compiled.ok) throw new Error("the benchmark's script is wrong")
  const crlf = Buffer.from(message.replaceAll("\n", "\r\n"))
  const world = {
    message: new SieveMessage(crlf),
    envelope: { from: "", to: "" },
    now: 0,
    zone: 0,
    tellAll: false,
  }
  runSieve(compiled.script, world).next()
}

const mc = (feature: string) => `
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
FEATURE(\`maildir')dnl
${feature}
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

const deliveries = 2000
const sessions = 10

/** Seconds from the first MAIL to the last message in its mailbox. */
async function whole(feature: string): Promise<number> {
  const users = ["gor", "postmaster"].map((name) => `${name}::@DIR@/home/${name}:20011:20011:\n`).join("")
  const system = await System.start({ mc: mc(feature), files: { "state/users": users } })
  try {
    const home = join(system.directory, "home", "gor")
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, ".procmailrc"), recipes, { mode: 0o600 })
    for (const path of [home, join(home, ".procmailrc")]) chownSync(path, 20_011, 20_011)
    mkdirSync(join(system.directory, "scripts"))
    writeFileSync(join(system.directory, "scripts", "gor.sieve"), script, { mode: 0o644 })
    const began = performance.now()
    await Promise.all(Array.from({ length: sessions }, () => send(system, deliveries / sessions)))
    await system.idle()
    return (performance.now() - began) / 1000
  } finally {
    await system.stop()
  }
}

async function send(system: System, count: number): Promise<void> {
  const session: Session = await system.connect()
  await session.reply()
  await session.say("EHLO pc236b.napier.ac.uk")
  for (let n = 0; n < count; n++) {
    await session.say("MAIL FROM:<ann@example.org>")
    await session.say("RCPT TO:<gor@grussell.org>")
    await session.say("DATA")
    const said = await session.say(`From: ann@example.org\r\nSubject: hello word${n % 25}\r\n\r\ntext\r\n.`)
    if (!said.startsWith("250")) throw new Error(said)
  }
  session.close()
}

cpu(500, deliverOnce)
const say = (line: string) => process.stdout.write(`${line}\n`)
say(`50 recipes on ${octets.length} octets: ${cpu(2000, deliverOnce).toFixed(3)} ms of CPU`)
cpu(200, sieveOnce)
say(`20 rules of Sieve, compiled and run: ${cpu(1000, sieveOnce).toFixed(3)} ms of CPU`)
say(`${deliveries} deliveries without rules: ${(await whole("")).toFixed(1)} s`)
const feature = "FEATURE(`sieve', `@DIR@/scripts/%u.sieve')dnl"
say(`${deliveries} deliveries with 20 rules of Sieve: ${(await whole(feature)).toFixed(1)} s`)
const byRecipes = "FEATURE(`local_procmail')dnl"
say(`${deliveries} deliveries with 50 recipes: ${(await whole(byRecipes)).toFixed(1)} s`)
