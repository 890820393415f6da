// How long our commands take, beside the same launcher running `node -e 0`: `node bench/startup.ts [ROUNDS]`. Taken in turns, so that
// a machine that wanders wanders for all of them. A mail system of its own runs meanwhile: what commands ask is answered, what they
// send is accepted, durably.
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const rounds = Number(process.argv[2] ?? 40)
const folder = mkdtempSync(join(tmpdir(), "waypost-startup-"))
const state = join(folder, "state")
const me = userInfo().username

/** bin/mailq and build/launch.sh as they are, but Node gets an empty program. */
function launcherOfNothing(): string {
  const launch = join(folder, "launch.sh")
  const script = readFileSync(join(root, "build/launch.sh"), "utf8")
  writeFileSync(
    launch,
    script.replace('"$entry" "$program" "$@"', "-e 0").replace("root=${self%/*}/..", `root=${root}`),
  )
  const command = join(folder, "nothing")
  const own = readFileSync(join(root, "bin/mailq"), "utf8").replace(/^\. .*$/m, `. ${launch}`)
  writeFileSync(command, own)
  chmodSync(command, 0o755)
  return command
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}

/** Starts a mail system; settles when it answers. */
async function startSystem(): Promise<ChildProcess> {
  const mc = join(folder, "sendmail.mc")
  writeFileSync(join(folder, "aliases"), `postmaster: ${me}\n`)
  writeFileSync(
    mc,
    `OSTYPE(\`linux')dnl
define(\`ALIAS_FILE', \`${folder}/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`${state}/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=${await freePort()}')dnl
FEATURE(\`no_default_msa')dnl
MAILER(\`local')dnl
`,
  )
  spawnSync(join(root, "waypost"), ["--version"], { stdio: "inherit" }) // builds what has changed
  const system = spawn(join(root, "bin/waypost"), ["start", "--state", state, "--config", mc], {
    stdio: "ignore",
  })
  const ready = spawnSync(join(root, "bin/waypost"), ["ready", "--state", state, "--timeout", "30"])
  if (ready.status !== 0) throw new Error(String(ready.stderr))
  return system
}

type Command = { readonly name: string; readonly argv: readonly string[]; readonly input?: string }

function commands(): readonly Command[] {
  const letter = join(folder, "letter")
  const table = join(folder, "access")
  writeFileSync(letter, `To: ${me}\nSubject: a letter\n\nHello.\n`)
  writeFileSync(table, "example.org\tRELAY\n")
  const bin = (name: string, ...args: readonly string[]): Command => ({
    name: [name, ...args].join(" ").replace(folder, "DIR"),
    argv: [join(root, "bin", name), ...args],
  })
  return [
    { name: "the launcher with node -e 0", argv: [launcherOfNothing()] },
    { ...bin("mail", "-s", "x", me), input: letter },
    { ...bin("mail", "--dry-run", "-s", "x", me), input: letter },
    { ...bin("sendmail", "-t", "-i"), input: letter },
    bin("sendmail", "-bp"),
    bin("mailq"),
    bin("waypost", "ready"),
    bin("waypost", "help"),
    { ...bin("makemap", "hash", table), input: table },
    bin("newaliases", "-C", join(folder, "sendmail.mc")),
    bin("newaliases", "--help"),
  ]
}

function milliseconds({ argv: [command = "", ...args], input = "/dev/null", name }: Command): number {
  const stdin = openSync(input, "r")
  const began = performance.now()
  const { status } = spawnSync(command, args, {
    stdio: [stdin, "ignore", "ignore"],
    env: { ...process.env, WAYPOST_STATE: state, MAILRC: join(folder, "none") },
  })
  const took = performance.now() - began
  closeSync(stdin)
  if (status !== 0) throw new Error(`${name} ended with ${status}`)
  return took
}

const system = await startSystem()
try {
  const all = commands()
  const times = all.map(() => [] as number[])
  for (let round = 0; round < rounds; round++)
    for (const [n, command] of all.entries()) times[n]?.push(milliseconds(command))
  const medians = times.map(
    (some) => some.toSorted((a, b) => a - b)[Math.floor(some.length / 2)] ?? Number.NaN,
  )
  const [nothing = Number.NaN] = medians
  for (const [n, { name }] of all.entries()) {
    const median = medians[n] ?? Number.NaN
    process.stdout.write(`${median.toFixed(1).padStart(7)} ms  ${(median / nothing).toFixed(2)} ×  ${name}\n`)
  }
} finally {
  const ended = new Promise((resolve) => system.on("close", resolve))
  system.kill()
  await ended
  rmSync(folder, { recursive: true })
}
