// mail(1) as scripts and cron call it: a letter from a pipe, what is told of it, and by which code it ends.
import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { System } from "../kit/system.ts"

let system: System
const folder = mkdtempSync(join(tmpdir(), "waypost-letters-"))
before(async () => {
  system = await System.start({
    mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.grussell.org')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
MAILER(\`local')dnl
`,
    users: ["gor", "andrew", "jim"],
  })
})
after(async () => {
  await system.stop()
  rmSync(folder, { recursive: true })
})

const mail = (args: readonly string[], input = "hello\n") =>
  system.command("mail", ["-n", "-r", "gor@grussell.org", ...args], input)

async function taken(user: string): Promise<string> {
  await system.idle()
  const path = join(system.directory, "mail", user)
  const text = readFileSync(path, "utf8")
  rmSync(path)
  return text
}

test("subject, copies, blind copies, fields and files go out as they were given, and it says nothing", async () => {
  const table = join(folder, "a table.csv")
  writeFileSync(table, "1,2\n")
  const args = ["-s", "Grüße", "-c", "andrew", "-b", "jim", "--header", "X-Job: nightly", "-a", table, "gor"]
  assert.deepEqual(await mail(args), { code: 0, stdout: "", stderr: "" })
  const letter = await taken("gor")
  assert.match(letter, /^Subject: =\?utf-8\?B\?R3LDvMOfZQ==\?=$/m)
  assert.match(letter, /^Cc: andrew/m)
  assert.match(letter, /^X-Job: nightly$/m)
  assert.match(letter, /Content-Disposition: attachment; filename="a table\.csv"\n[^]*\nMSwyCg==\n/)
  assert.doesNotMatch(letter, /jim/, "nobody hears of a blind copy")
  assert.match(await taken("andrew"), /X-Job/)
  assert.match(await taken("jim"), /X-Job/)
})

test("--dry-run shows the message, and sends nothing", async () => {
  const { code, stdout } = await mail(["--dry-run", "-s", "numbers", "gor"], "1 2\n")
  assert.equal(code, 0)
  assert.equal(stdout, "From: gor@grussell.org\nTo: gor\nSubject: numbers\n\n1 2\n")
  const told = JSON.parse((await mail(["--dry-run", "--json", "-s", "numbers", "gor"])).stdout)
  assert.deepEqual([told.draft.to, told.draft.subject], [["gor"], "numbers"])
  assert.throws(() => readFileSync(join(system.directory, "mail", "gor")), { code: "ENOENT" })
})

test("--json and -v tell the queue id, by which the mail system knows it", async () => {
  const told = JSON.parse((await mail(["--json", "-s", "numbers", "gor"])).stdout)
  assert.equal(told.code, 0)
  await taken("gor")
  const explained = await system.waypost("explain", told.id)
  assert.deepEqual([explained.code, explained.stderr], [0, ""])
  assert.match(explained.stdout, /gor@grussell\.org/)
  const verbose = await mail(["-v", "-s", "numbers", "gor"])
  const [, id = ""] = /^queued as (\w{14}) /m.exec(verbose.stdout) ?? []
  assert.match((await system.waypost("show", id)).stdout, /Subject: numbers/)
  await taken("gor")
})

const ends: readonly (readonly [string, readonly string[], string, number, RegExp])[] = [
  ["an unknown user", ["nosuch"], "hello\n", 67, /nosuch\.\.\. User unknown/],
  ["a file that is not there", ["-a", "/none", "gor"], "hello\n", 66, /-a \/none: ENOENT; nothing was sent/],
  ["a folder for a file", ["-a", "/etc", "gor"], "hello\n", 66, /not a file; nothing was sent/],
  ["a subject for nobody", ["-s", "numbers"], "hello\n", 64, /to whom\?/],
  ["a field that is none", ["--header", "X Job", "gor"], "hello\n", 64, /a field is "Name: value"/],
  ["an unknown option", ["--subjekt", "x", "gor"], "hello\n", 64, /there is no option --subjekt/],
  ["an empty text that is not to be sent", ["-E", "gor"], "", 0, /^$/],
]

for (const [what, args, input, code, says] of ends) {
  test(`${what}: it ends with ${code}`, async () => {
    const ended = await mail(args, input)
    assert.equal(ended.code, code, ended.stderr)
    assert.match(ended.stderr, says)
    assert.equal(ended.stdout.includes("queued"), false)
  })
}

test("-e tells by its code alone whether there is mail; -H lists it", async () => {
  const box = join(folder, "box")
  const read = (...args: readonly string[]) => system.command("mail", ["-n", ...args], "")
  writeFileSync(box, "")
  assert.deepEqual(await read("-e", "-f", box), { code: 1, stdout: "", stderr: "" })
  writeFileSync(
    box,
    "From ann@example.org Tue Nov 24 07:10:01 2026\nFrom: Ann <ann@example.org>\nSubject: lunch\n\nhi\n\n",
  )
  assert.deepEqual(await read("-e", "-f", box), { code: 0, stdout: "", stderr: "" })
  const listed = await read("-H", "-f", box)
  assert.equal(listed.code, 0)
  assert.match(listed.stdout, /1 .*Ann.*lunch/)
})

test("scripts read too: a list and messages as JSON, the octets as they came; the mailbox stays as it is", async () => {
  const box = join(folder, "read")
  const letter = (n: number, more: string) =>
    `From ann@example.org Tue Nov 24 07:1${n}:01 2026\nFrom: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\nTo: gor@grussell.org\nSubject: code ${n}\nMessage-ID: <${n}@example.org>\n${more}\n\n`
  const second = "Content-Type: text/html\n\n<p>Your code is <b>4711</b>.</p><script>x</script>\u009b2J\n"
  writeFileSync(box, letter(1, "\nYour code is 42.") + letter(2, second))
  const before_ = readFileSync(box)
  const read = (...args: readonly string[]) => system.command("mail", ["-n", "-f", ...args, box], "")
  const listed = (await read("-H", "--json")).stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    listed.map(({ number, from, subject, seen }) => [number, from, subject, seen]),
    [
      [1, { name: "Jürgen", address: "j@example.org" }, "code 1", false],
      [2, { name: "Jürgen", address: "j@example.org" }, "code 2", false],
    ],
  )
  const whole = letter(1, "\nYour code is 42.")
  const last = await read("--print", "$", "--json")
  assert.equal(JSON.parse(last.stdout).text.includes("Your code is 4711."), true)
  assert.equal(JSON.parse(last.stdout).fromHtml, true)
  assert.doesNotMatch(last.stdout, /[\u007f-\u009f]/)
  assert.equal((await read("--print", "1", "--raw")).stdout, whole.slice(whole.indexOf("\n") + 1, -1))
  assert.match(
    (await read("--print", "/code")).stdout,
    /Subject: code 1\n[^]*42[^]*Subject: code 2\n[^]*4711/,
  )
  const none = await read("--print", "/nothing")
  assert.deepEqual([none.code, none.stderr], [1, "mail: No applicable messages from {/nothing}\n"])
  assert.deepEqual(readFileSync(box), before_)
})

test("a text of 20 MB goes through a pipe whole", async () => {
  const text = `${"0123456789abcdef".repeat(4)}\n`.repeat(320_000)
  assert.equal((await mail(["-s", "large", "gor"], text)).code, 0)
  const letter = await taken("gor")
  assert.ok(letter.endsWith(`\n\n${text}\n`), `${letter.length} octets`)
})
