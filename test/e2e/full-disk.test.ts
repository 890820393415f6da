// A disk that becomes full: 452 for what comes, everything accepted kept, and mail flows again by itself when there is space.
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { chmodSync, closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { closedCheckout, handIn, System } from "../kit/system.ts"

// The mailboxes lie on the same disk: they are full as well.
const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`maildir', \`@DIR@/mail/%u')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

/** A small file system of our own with a system on it, when we may make one. */
async function onSmallDisk(
  t: TestContext,
  options: string,
  act: (system: System, disk: string) => Promise<void>,
) {
  if (closedCheckout !== false) {
    t.skip(`${closedCheckout}, and the copy of the program that is run then needs more room`)
    return
  }
  const disk = mkdtempSync(join(tmpdir(), "waypost-disk-"))
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `mode=755,${options}`, "tmpfs", disk]).status === 0
  if (!mounted) {
    rmSync(disk, { recursive: true })
    t.skip("only root may mount a small file system")
    return
  }
  try {
    chmodSync(disk, 0o755)
    const system = await System.start({ mc, directory: disk, users: ["gor"] })
    try {
      await act(system, disk)
    } finally {
      await system.end()
    }
  } finally {
    spawnSync("umount", [disk])
    rmSync(disk, { recursive: true })
  }
}

/** Takes all the space there is, and gives it back. */
class Ballast {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  fill(): void {
    const file = openSync(this.#path, "w")
    const block = Buffer.alloc(64 * 1024)
    try {
      for (;;) writeSync(file, block)
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC")
    } finally {
      closeSync(file)
    }
  }

  remove(): void {
    rmSync(this.#path)
  }
}

function letter(name: string, size = 4000): Parameters<typeof handIn>[1] {
  const text = `Subject: ${name}\n\n${"Hello gordon.\n".repeat(size / 14)}`
  return { from: "g.russell@napier.ac.uk", to: ["gor@grussell.org"], text }
}

function delivered(disk: string): number {
  return readdirSync(join(disk, "mail", "gor", "new")).length
}

/** Hands in until it is accepted; how many seconds that took. */
async function untilAccepted(system: System): Promise<number> {
  const began = performance.now()
  while (!(await handIn(system, letter("after"))).startsWith("250")) {
    assert.ok(performance.now() - began < 20_000, "no mail is taken 20 s after there is space again")
    await sleep(100) // what we wait for is the server's own decision
  }
  return (performance.now() - began) / 1000
}

test("no space: 452 within 5 s, small or large; everything accepted is kept, and mail flows again within 5 s", async (t) => {
  await onSmallDisk(t, "size=64m", async (system, disk) => {
    for (let n = 0; n < 20; n++) assert.match(await handIn(system, letter(`before ${n}`)), /^250 /)
    await system.idle()
    assert.equal(delivered(disk), 20)

    const ballast = new Ballast(join(disk, "ballast"))
    ballast.fill()
    await system.waypost("ready") // it still answers
    let refused = 0
    let accepted = 20
    for (const size of [4000, 4000, 200_000, 4000]) {
      const began = performance.now()
      const reply = await handIn(system, letter("during", size))
      assert.ok(performance.now() - began < 5000, `answered after ${performance.now() - began} ms`)
      if (reply.startsWith("250")) accepted++
      else {
        assert.match(reply, /^452 4\.\d\.\d /)
        refused++
      }
      await sleep(1100) // the disk is looked at once a second
    }
    assert.ok(refused >= 3, `only ${refused} were refused`)
    const asked = await system.command("mailq", [])
    if (asked.code !== 0) assert.match(asked.stderr, /^mailq: the mail system cannot answer now: .*full.*\n$/)

    ballast.remove()
    const seconds = await untilAccepted(system)
    assert.ok(seconds < 5, `accepted again after ${seconds.toFixed(1)} s`)
    await system.said(/to=<gor@grussell\.org>.*stat=Sent/)
    // What the log had room for found none in the mailbox, and waits.
    await system.waypost("queue", "retry", "--all", "--yes")
    for (let n = 0; delivered(disk) < accepted + 1 && n < 100; n++) await sleep(100)
    assert.equal(delivered(disk), accepted + 1)
    assert.doesNotMatch(system.stderr, /^\s+at /m)
  })
})

test("no space in the middle of a message: its end is answered 452, and nothing of it is kept", async (t) => {
  await onSmallDisk(t, "size=64m", async (system, disk) => {
    const session = await system.connect()
    await session.reply()
    for (const line of [
      "HELO pc",
      "MAIL FROM:<g.russell@napier.ac.uk>",
      "RCPT TO:<gor@grussell.org>",
      "DATA",
    ])
      assert.match(await session.say(line), /^[23]/)
    session.write(`Subject: cut\r\n\r\n${"Hello gordon.\r\n".repeat(10_000)}`)
    const ballast = new Ballast(join(disk, "ballast"))
    ballast.fill()
    assert.match(await session.say(`${"Hello gordon.\r\n".repeat(300_000)}.`), /^452 4\.\d\.\d /)
    session.close()
    ballast.remove()
    await untilAccepted(system)
    await system.idle()
    assert.equal(delivered(disk), 1)
    assert.deepEqual(readdirSync(join(system.state, "queue", "bodies")), [])
  })
})

test("no inodes: 452, and mail flows again by itself", async (t) => {
  await onSmallDisk(t, "size=64m,nr_inodes=1000", async (system, disk) => {
    assert.match(await handIn(system, letter("before")), /^250 /)
    await system.idle()
    const files: string[] = []
    try {
      for (;;) {
        const file = join(disk, `ballast${files.length}`)
        closeSync(openSync(file, "w"))
        files.push(file)
      }
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC")
    }
    await sleep(1100) // the disk is looked at once a second
    assert.match(await handIn(system, letter("during")), /^452 4\.\d\.\d /)
    for (const file of files) rmSync(file)
    const seconds = await untilAccepted(system)
    assert.ok(seconds < 5, `accepted again after ${seconds.toFixed(1)} s`)
    await system.idle()
    assert.equal(delivered(disk), 2)
  })
})
