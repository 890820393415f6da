import assert from "node:assert/strict"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { type Nameserver, startNameserver } from "../../test/kit/nameserver.ts"
import { cfFolder } from "../../test/kit/sendmail-cf.ts"
import { smallCf } from "../../test/kit/small-cf.ts"
import { project } from "../../test/kit/system.ts"
import { run } from "./check.ts"
import { Refusal } from "./io.ts"

const folder = mkdtempSync(join(tmpdir(), "waypost-check-"))
let dns: Nameserver
before(async () => {
  dns = await startNameserver({
    "example.org": { MX: [[10, "mx.example.org"]] },
    "napier.ac.uk": { A: ["192.0.2.1"] },
  })
})
after(async () => {
  await dns.close()
  rmSync(folder, { recursive: true })
})

const head = `OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mx.grussell.org')dnl
FEATURE(\`no_default_msa')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
`
const mailers = "MAILER(`local')dnl\nMAILER(`smtp')dnl\n"

/** A directory with these files. */
function site(name: string, files: Readonly<Record<string, string>>): string {
  const directory = join(folder, name)
  mkdirSync(directory, { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text)
  return directory
}

type Ran = { readonly code: number; readonly out: string; readonly err: string }

async function check(argv: readonly string[], input = ""): Promise<Ran> {
  const io = memoryIo(input, { WAYPOST_RESOLVER: dns.resolver, WAYPOST_STATE: folder })
  let code: number
  try {
    code = await run(["--host", "mx.grussell.org", ...argv], io)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    io.stderr.write(`${error.message}\n`)
    code = error.code
  }
  const plain = (text: string) => text.replaceAll(`${folder}/`, "")
  return { code, out: plain(io.written.stdout), err: plain(io.written.stderr) }
}

test("a configuration that is wholly understood is listed line by line, and ends with 0", async () => {
  const directory = site("good", {
    "sendmail.mc": `${head}define(\`ALIAS_FILE', \`/etc/mail/aliases')dnl\nFEATURE(\`access_db')dnl\n${mailers}`,
    access: "To:example.org\tRELAY\n",
    aliases: "postmaster: root\n",
  })
  const before = readdirSync(directory)
  const { code, out } = await check([directory])
  assert.equal(code, 0, out)
  assert.match(out, /access_db\s+good\/sendmail\.mc:6/)
  assert.match(out, /note: good\/access: 1 entries read from the text/)
  assert.match(out, /All of it is understood\.\n$/)
  assert.deepEqual(readdirSync(directory), before, "nothing is changed")
})

test("what has no effect is told with its line, and ends with 1", async () => {
  const directory = site("warned", {
    "sendmail.mc": `${head}FEATURE(\`blacklist_recipients')dnl\n${mailers}`,
  })
  const { code, out } = await check([directory, "--quiet"])
  assert.equal(code, 1)
  assert.match(out, /^warned\/sendmail\.mc:5:1: warning: FEATURE\(`blacklist_recipients'\) is deprecated/)
  assert.match(out, /It can be used: 0 errors, 1 warning\.\n$/)
})

const understood = `${head}define(\`ALIAS_FILE', \`/etc/mail/aliases')dnl\n${mailers}`

test("a submit.mc beside it is looked at too: its server, its words without effect, its mistakes", async () => {
  for (const [submit, code, says] of [
    ["FEATURE(`msp', `[napier.ac.uk]')dnl\n", 0, /All of it is understood/],
    ["FEATURE(`msp', `example.org')dnl\n", 0, /All of it is understood/],
    [
      "FEATURE(`msp', `[nosuch.napier.ac.uk]')dnl\n",
      1,
      /^submit\/submit\.mc:2: warning: nosuch\.napier\.ac\.uk, the server of submit\.mc, has no address \(no such name\)/m,
    ],
    [
      "define(`MSP_QUEUE_DIR', `/var/spool/elsewhere')dnl\nFEATURE(`msp', `[127.0.0.1]')dnl\n",
      0,
      /^submit\/submit\.mc:2: note: MSP_QUEUE_DIR means nothing here/m,
    ],
    ["dnl nothing\n", 1, /^warning: there is no MAILER\(`smtp'\)/m],
    ["FEATURE(`mps')dnl\n", 2, /^submit\/submit\.mc:2:1: error: .*\bmps\b/m],
    ["MAILER(`smtp')dnl\n", 0, /note: .*submit\.mc has no FEATURE\(msp\)/],
  ] as const) {
    const directory = site("submit", {
      "sendmail.mc": understood,
      aliases: "postmaster: root\n",
      "submit.mc": `define(\`confDOMAIN_NAME', \`mx.grussell.org')dnl\n${submit}`,
    })
    const ran = await check([directory])
    assert.equal(ran.code, code, `${submit}${ran.out}`)
    assert.match(ran.out, says)
  }
})

test("all that is wrong is told at once, and ends with 2", async () => {
  const directory = site("bad", {
    "sendmail.mc": `${head}FEATUER(\`redirect')dnl\nFEATURE(\`nosuch')dnl\n${mailers}LOCAL_RULESETS\nSLocal_check_mail\nR$*\t$2\nR$*\t$: $(nomap $1 $)\n`,
  })
  const { code, out } = await check([directory])
  assert.equal(code, 2)
  assert.match(out, /bad\/sendmail\.mc:5:1: error: there is no word FEATUER/)
  assert.match(out, /bad\/sendmail\.mc:6:1: error: there is no FEATURE\(`nosuch'\)/)
  assert.match(out, /bad\/sendmail\.mc:11:1: error: \$2: the pattern has only 1 wildcards/)
  assert.match(out, /bad\/sendmail\.mc:12:1: error: there is no map nomap/)
  assert.match(out, /It cannot be used as it is: 4 errors/)
})

test("a filter that no daemon could start with is an error, with its line", async () => {
  for (const [line, said] of [
    ["INPUT_MAIL_FILTER(`a', `S=foo:1, F=T')dnl", "milter a: S=foo:1 is none of unix:PATH"],
    ["INPUT_MAIL_FILTER(`a', `F=T')dnl", "milter a: it has no S=socket"],
    [
      "define(`confINPUT_MAIL_FILTERS', `a')dnl",
      "confINPUT_MAIL_FILTERS names a, which no MAIL_FILTER defines",
    ],
  ] as const) {
    const { code, out } = await check([site("filters", { "sendmail.mc": `${head}${line}\n${mailers}` })])
    assert.equal(code, 2, out)
    assert.ok(out.includes(`error: ${said}`), out)
    assert.match(out, /\(\S*sendmail\.mc:5\)/)
  }
})

test("a table that exists in Berkeley's form alone is an error, and what to do is said", async () => {
  const directory = site("berkeley", {
    "sendmail.mc": `${head}FEATURE(\`access_db')dnl\n${mailers}`,
    "access.db": "",
  })
  const { code, out } = await check([directory, "--quiet"])
  assert.equal(code, 2)
  assert.match(
    out,
    /sendmail\.mc:5: error: access: there is only berkeley\/access\.db.*Waypost reads the text berkeley\/access/,
  )
})

test("a map of a kind that is not supported is told with its line", async () => {
  const text = `${head}${mailers}LOCAL_CONFIG\nKpeople ldap -k uid\n`
  const { code, out } = await check([site("ldap", { "sendmail.mc": text }), "--quiet"])
  assert.equal(code, 1)
  assert.match(out, /ldap\/sendmail\.mc:8: warning: map people: maps of kind ldap are not supported/)
})

test("a compiled sendmail.cf is read too, with what is wrong in it", async () => {
  const directory = site("compiled", { "sendmail.cf": smallCf("Kpeople ldap -k uid\nZodd\n") })
  const { code, out } = await check([join(directory, "sendmail.cf")])
  assert.equal(code, 2)
  assert.match(out, /compiled\/sendmail\.cf:7:1: error: unknown configuration line "Zodd"/)
  assert.match(out, /compiled\/sendmail\.cf:6: warning: map people: maps of kind ldap/)
  assert.match(out, /10 rules in 4 rulesets, 1 maps, 5 mailers/)
})

test("the configuration of Debian's sendmail package is wholly understood", async (t) => {
  const cf = cfFolder()
  if ("missing" in cf) return t.skip(cf.missing)
  const debian = join(cf.folder, "debian")
  const directory = site("debian", {
    "sendmail.mc": readFileSync(join(debian, "sendmail.mc"), "utf8"),
    aliases: "postmaster: root\n",
    access: "",
  })
  const { code, out } = await check([directory])
  assert.equal(code, 0, out)
  assert.match(out, /Listeners[^]*MTA-v4 +127\.0\.0\.1:25[^]*MSP-v4 +127\.0\.0\.1:587/)
  assert.match(out, /access_db .*debian\/sendmail\.mc:\d+/)
  assert.match(out, /All of it is understood\.\n$/)
})

test("a site of Red Hat's old sendmail.mc is understood but for two words, each told with its line", async (t) => {
  const cases = join(project, "../shared/sendmail-cases/site-redhat")
  if (!existsSync(cases)) return t.skip("needs ../shared/sendmail-cases")
  const directory = site("redhat", { "sendmail.mc": readFileSync(join(cases, "site.mc"), "utf8") })
  for (const name of readdirSync(cases).filter((one) => !/\.(?:mc|json)$/.test(one) && one !== "home"))
    if (statSync(join(cases, name)).isFile()) copyFileSync(join(cases, name), join(directory, name))
  const { code, out } = await check([directory, "--quiet"])
  assert.equal(code, 1, out)
  assert.deepEqual(
    out.split("\n").filter((line) => line.startsWith("redhat/")),
    [
      "redhat/sendmail.mc:17:1: warning: confUSERDB_SPEC has no effect: the user database is not supported; use virtusertable",
      "redhat/sendmail.mc:31:1: warning: FEATURE(`blacklist_recipients') is deprecated; use `blocklist_recipients'",
    ],
  )
})

test("as JSON it is for programs", async () => {
  const directory = site("json", { "sendmail.mc": `${head}FEATURE(\`nosuch')dnl\n${mailers}` })
  const { out } = await check([directory, "--json"])
  const { findings } = JSON.parse(out) as { findings: { severity: string; at: string }[] }
  assert.deepEqual(
    findings.map(({ severity, at }) => [severity, at]),
    [["error", "json/sendmail.mc:5"]],
  )
})

test("addresses that both sides treat alike end with 0", async () => {
  const directory = site("alike", { "sendmail.mc": head + mailers, "sendmail.cf": smallCf() })
  const { code, out } = await check([
    "--compare",
    join(directory, "sendmail.cf"),
    "me",
    "me@grussell.org",
    "ann@napier.ac.uk",
    "b@[192.0.2.9]",
  ])
  assert.equal(
    out,
    [
      "same     me: local me",
      "same     me@grussell.org: local me",
      "same     ann@napier.ac.uk: esmtp napier.ac.uk ann@napier.ac.uk",
      "same     b@[192.0.2.9]: esmtp [192.0.2.9] b@[192.0.2.9]",
      "4 of 4 addresses are treated alike.",
      "",
    ].join("\n"),
  )
  assert.equal(code, 0)
})

test("where they differ both are shown, each with the line that decided, and it ends with 1", async () => {
  const mc = `${head}FEATURE(\`mailertable')dnl\nMASQUERADE_AS(\`grussell.org')dnl\n${mailers}`
  const directory = site("differ", {
    "sendmail.mc": mc,
    "sendmail.cf": smallCf(),
    mailertable: "example.org\tesmtp:[hub.grussell.org]\n",
  })
  const { code, out } = await check(
    ["--compare", join(directory, "sendmail.cf"), "-", "--quiet"],
    "ann@example.org\n# a comment\nme\nann@napier.ac.uk\n",
  )
  assert.equal(
    out,
    [
      "differs  ann@example.org",
      "  goes to      sendmail.cf  esmtp example.org ann@example.org   differ/sendmail.cf:12",
      "               Waypost      esmtp [hub.grussell.org] ann@example.org   differ/mailertable:1",
      "differs  me",
      "  in From:     sendmail.cf  me@mx.grussell.org   differ/sendmail.cf:19",
      "               Waypost      me@grussell.org   differ/sendmail.mc:6",
      "1 of 3 addresses are treated alike.",
      "",
    ].join("\n"),
  )
  assert.equal(code, 1)
})

test("a user's mistakes get one line", async () => {
  const directory = site("lonely", { "sendmail.cf": smallCf() })
  const mistakes: readonly (readonly [argv: readonly string[], code: number, says: RegExp])[] = [
    [[join(folder, "nosuch")], 2, /nosuch: there is no such file or directory/],
    [[site("empty", {})], 2, /has neither a sendmail\.mc nor a sendmail\.cf/],
    [["--compare", join(directory, "sendmail.cf")], 64, /which addresses\?/],
    [["--compare", join(directory, "sendmail.cf"), "me"], 2, /no sendmail\.mc to compare with/],
    [["--compare", join(folder, "nosuch.cf"), "me"], 2, /there is no such file/],
    [[directory, "me"], 64, /"me" is one argument too many/],
  ]
  for (const [argv, code, says] of mistakes) {
    const ran = await check(argv)
    assert.equal(ran.code, code, argv.join(" "))
    assert.match(ran.err, says)
    assert.equal(ran.err.trim().split("\n").length, 1)
  }
})
