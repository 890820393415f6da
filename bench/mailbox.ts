// How quickly a large mailbox opens and is searched: `node bench/mailbox.ts [MESSAGES]`, for an mbox and a Maildir, cold and with a
// warm index. "Cold" is without our index; what the kernel keeps of the files is not dropped.
import { spawnSync } from "node:child_process"
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { rolldown } from "rolldown"
import { openMailbox } from "../src/mua/open.ts"
import { matches, parseQuery } from "../src/mua/search.ts"
import { searchBodies } from "../src/mua/search-bodies.ts"
import { thread } from "../src/mua/threads.ts"

const count = Number(process.argv[2] ?? 50_000)
const folder = process.argv[3] === undefined ? mkdtempSync(join(tmpdir(), "waypost-mailbox-")) : ""

function message(n: number): string {
  const answer =
    n % 3 === 0 ? "" : `References: <${n - (n % 3)}@example.org>\nIn-Reply-To: <${n - (n % 3)}@example.org>\n`
  const body = `Line of the letter number ${n} with some words in it.\n`.repeat(30)
  return `Return-Path: <ann${n % 500}@example.org>\nReceived: from a.example.org by grussell.org id ${n}; Tue, 24 Nov 2026 07:10:42 +0000\nFrom: Ann ${n % 500} <ann${n % 500}@example.org>\nTo: me@grussell.org\nSubject: letter ${n} about ${n % 7 === 0 ? "lunch" : "work"}\nMessage-ID: <${n}@example.org>\n${answer}Date: Tue, 24 Nov 2026 07:10:42 +0000\n\n${body}${n === count - 5 ? "The needle.\n" : ""}`
}

async function timed<T>(what: string, act: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const result = await act()
  const memory = Math.round(process.memoryUsage().rss / 1024 ** 2)
  process.stdout.write(
    `${(performance.now() - began).toFixed(0).padStart(7)} ms  ${String(memory).padStart(4)} MiB  ${what}\n`,
  )
  return result
}

async function measure(path: string, form: string): Promise<void> {
  if (process.argv[5] === "cold") {
    const cold = await timed(`${form}: opened without an index`, async () => await openMailbox(path))
    return await cold.close()
  }
  const mailbox = await timed(`${form}: opened with one`, async () => await openMailbox(path))
  await timed(`${form}: threaded`, async () => thread(mailbox.messages))
  const query = parseQuery("lunch", Date.now())
  await timed(`${form}: a word in the list`, async () =>
    mailbox.messages.filter((one) => matches(one, query)),
  )
  const keys = mailbox.messages.map(({ key }) => key)
  const words = [{ not: false, text: "needle" }]
  const found = await timed(
    `${form}: a word in the texts`,
    async () => await searchBodies(mailbox, keys, words, () => "go on"),
  )
  if (found?.size !== 1) throw new Error(`found ${found?.size} needles`)
}

/** This program as the build makes it: what takes types off would need more memory than a mailbox. */
async function bundled(): Promise<string> {
  const file = join(folder, "mailbox.mjs")
  const made = await rolldown({ input: import.meta.filename, platform: "node", external: ["rolldown"] })
  await made.write({ file, format: "esm", codeSplitting: false })
  await made.close()
  symlinkSync(join(import.meta.dirname, "../node_modules"), join(folder, "node_modules"))
  return file
}

/** In a process of its own, so that its memory is its own. */
function inChild(program: string, form: string, path: string): void {
  for (const index of ["cold", "warm"]) {
    const args = ["--disable-warning=ExperimentalWarning", program, String(count), form, path, index]
    spawnSync(process.execPath, args, {
      stdio: "inherit",
      env: { ...process.env, XDG_CACHE_HOME: folder, XDG_STATE_HOME: folder },
    })
  }
}

function writeMailboxes(): void {
  const box = openSync(join(folder, "box"), "w")
  for (const part of ["tmp", "new", "cur"]) mkdirSync(join(folder, "Maildir", part), { recursive: true })
  for (let n = 0; n < count; n++) {
    const text = message(n)
    writeSync(box, `From ann@example.org  Tue Nov 24 07:10:42 2026\n${text}\n`)
    writeFileSync(join(folder, `Maildir/cur/${1_795_500_000 + n}.Q${n}.grussell:2,S`), text)
  }
  closeSync(box)
}

const [, , , form, path] = process.argv
if (form !== undefined && path !== undefined) await measure(path, form)
else {
  try {
    writeMailboxes()
    const program = await bundled()
    inChild(program, "mbox", join(folder, "box"))
    inChild(program, "Maildir", join(folder, "Maildir"))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
