// Local delivery among hostile files, played by the battery of ../shared against a whole system as root: homes with .forward files,
// links, FIFOs and programs that mean harm, once with mboxes and once with Maildirs.
import assert from "node:assert/strict"
import { chmodSync, chownSync, existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { without } from "../kit/debian.ts"
import { project, run, System } from "../kit/system.ts"

const battery = join(project, "../shared/battery/local.py")
const skip =
  process.getuid?.() !== 0
    ? "only root delivers as other users"
    : existsSync(battery)
      ? without("python3", "setpriv")
      : "../shared/battery is not here"

const gor = { uid: 20_001, gid: 20_001 }
const attacker = 20_002

const mcFor = (maildir: string) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
${maildir}MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

for (const { kind, maildir, mailbox } of [
  { kind: "mboxes", maildir: "", mailbox: "mail/gor" },
  { kind: "Maildirs", maildir: "FEATURE(`maildir')dnl\n", mailbox: "home/gor/Maildir" },
]) {
  test(`no hostile home gains anything from a delivery into ${kind}, and sound ones get theirs`, {
    skip,
  }, async () => {
    const system = await System.start({
      mc: mcFor(maildir),
      files: {
        "state/users": `gor::@DIR@/home/gor:${gor.uid}:${gor.gid}:\npostmaster::@DIR@/home/gor:${gor.uid}:${gor.gid}:\n`,
      },
    })
    try {
      const home = join(system.directory, "home", "gor")
      mkdirSync(home, { recursive: true })
      chownSync(home, gor.uid, gor.gid)
      chmodSync(home, 0o755)
      const ids = ["--uid", gor.uid, "--gid", gor.gid, "--uid2", attacker].map(String)
      const place = ["--home", home, "--mailbox", join(system.directory, mailbox), "--settle", "0.7"]
      const ends = ["127.0.0.1", String(system.port), "--user", "gor", "--domain", "grussell.org"]
      const { code, stdout, stderr } = await run("python3", [battery, ...ends, ...ids, ...place])
      assert.equal(code, 0, stdout + stderr)
      assert.doesNotMatch(stdout, /^fail/m)
      assert.match(stdout, /^local: (\d+) of \1 MUST held$/m)
    } finally {
      await system.stop()
    }
  })
}
