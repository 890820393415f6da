// A list of a thousand local users, as root: each in his own mailbox, with his own rights, and quickly.
import assert from "node:assert/strict"
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { handIn, System } from "../kit/system.ts"

const skip = process.getuid?.() === 0 ? false : "only root delivers as other users"
const members = 1000
const names = Array.from({ length: members }, (_, n) => `u${String(n).padStart(3, "0")}`)

const mcFor = (local: string) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
${local}MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

for (const { kind, local } of [
  { kind: "mboxes", local: "" },
  { kind: "Maildirs", local: "FEATURE(`maildir', `@DIR@/mail/%u')dnl\n" },
]) {
  test(`a message to a list of ${members} local users is in their ${kind}, each his own`, {
    skip,
  }, async (t) => {
    const users = names.map((name, n) => `${name}::/nonexistent:${30_000 + n}:${30_000 + n}:`)
    const system = await System.start({
      mc: mcFor(local),
      files: {
        "state/users": `${[...users, "postmaster::/nonexistent:30000:30000:"].join("\n")}\n`,
        aliases: `all: ${names.join(",\n  ")}\n`,
      },
    })
    try {
      const mail = join(system.directory, "mail")
      mkdirSync(mail, { recursive: true })
      chmodSync(mail, 0o1777)
      const text = `Subject: to all\n\n${"Hello all of you.\n".repeat(50)}`
      for (const which of ["new", "existing"]) {
        const begun = performance.now()
        const reply = await handIn(system, { from: "ann@hello.com", to: ["all@grussell.org"], text })
        assert.match(reply, /^250 /)
        await system.idle()
        const seconds = ((performance.now() - begun) / 1000).toFixed(2)
        t.diagnostic(
          `${members} ${which} ${kind} in ${seconds} s, with the start of the command that waited for them`,
        )
      }
      assert.equal(readdirSync(mail).length, members)
      for (const [n, name] of names.entries()) {
        const box = join(mail, name)
        assert.equal(statSync(box).uid, 30_000 + n)
        const file = local === "" ? box : join(box, "new", readdirSync(join(box, "new"))[0] ?? "")
        assert.ok(readFileSync(file, "latin1").trimEnd().endsWith("Hello all of you."))
      }
    } finally {
      await system.stop()
    }
  })
}
