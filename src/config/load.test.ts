import assert from "node:assert/strict"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { fail, ok } from "../mail/result.ts"
import type { ReadText } from "../mail/world.ts"
import { defaultMc, defaultSource } from "./default.ts"
import { printIssue } from "./issues.ts"
import { loadSettings, type Place } from "./load.ts"
import { readMc } from "./mc.ts"
import { hasFlag, option, optionAt } from "./options.ts"
import { feature, features, inClass, macro, mailer, type Settings, tablesNamed } from "./settings.ts"

const mc = "/etc/mail/sendmail.mc"
const place: Place = {
  hostname: "mail.grussell.org",
  addresses: ["192.0.2.7", "::1"],
  state: "/var/lib/waypost",
  root: true,
}

function reading(files: Readonly<Record<string, string>>): ReadText {
  return (path) => {
    const text = files[path]
    return text === undefined ? fail(`${path}: no such file`) : ok(text)
  }
}

function load(text: string, files: Readonly<Record<string, string>> = {}) {
  return loadSettings({ source: { file: mc, text }, read: reading(files), place })
}

function at(line: number) {
  return { file: mc, line, column: 1 }
}

/** How local mail ends: path, arguments, and the line that says so. */
function local(text: string) {
  const found = mailer(site(text), "local")
  return [found?.path, found?.args, found?.at?.line]
}

/** A configuration that must be right. */
function site(text: string, files: Readonly<Record<string, string>> = {}): Settings {
  const { settings, issues } = load(`${text}\nMAILER(\`local')dnl\nMAILER(\`smtp')dnl\n`, files)
  assert.deepEqual(issues.map(printIssue), [])
  assert.ok(settings !== undefined)
  return settings
}

function complaints(text: string, files: Readonly<Record<string, string>> = {}): string[] {
  return load(`${text}\nMAILER(\`local')dnl\nMAILER(\`smtp')dnl\n`, files).issues.map(printIssue)
}

const head = "include(`/usr/share/sendmail/cf/m4/cf.m4')dnl\nOSTYPE(`debian')dnl\n"

test("a small site: what it says is in the settings, each value with its line", () => {
  const settings = site(
    `${head}FEATURE(\`no_default_msa')dnl
DAEMON_OPTIONS(\`Name=MTA, Family=inet, Addr=127.0.0.1')dnl
FEATURE(\`use_cw_file')dnl
FEATURE(\`access_db', \`hash -T<TMPF> -o /etc/mail/access.db')dnl
define(\`confMAX_MESSAGE_SIZE', \`2000')dnl
define(\`SMART_HOST', \`smart.example.org')dnl
MASQUERADE_AS(\`grussell.org')dnl
RELAY_DOMAIN(\`napier.ac.uk hello.com')dnl`,
    { "/etc/mail/local-host-names": "# ours\ngrussell.org\n\n  Hello.COM # too\n" },
  )
  assert.deepEqual(settings.daemons, [
    { name: "MTA", address: "127.0.0.1", family: "inet", port: 25, modify: "", other: new Map(), at: at(4) },
  ])
  assert.equal(option(settings, "MaxMessageSize"), 2000)
  assert.deepEqual(optionAt(settings, "MaxMessageSize"), at(7))
  assert.deepEqual(settings.macros.get("S"), { value: "smart.example.org", at: at(8) })
  assert.deepEqual(settings.macros.get("M"), { value: "grussell.org", at: at(9) })
  assert.deepEqual(tablesNamed(settings, "access"), [
    { name: "access", kind: "hash", file: "/etc/mail/access", flags: "-T<TMPF> -o", at: at(6) },
  ])
  assert.deepEqual(inClass(settings, "R", "NAPIER.ac.uk"), { member: true, at: at(10) })
  assert.deepEqual(inClass(settings, "w", "hello.com"), {
    member: true,
    at: { file: "/etc/mail/local-host-names", line: 4, column: 3, via: at(5) },
  })
  assert.equal(feature(settings, "use_cw_file")?.at?.line, 5)
})

test("what nobody says has sendmail's default, and no line", () => {
  const settings = site(head)
  assert.equal(macro(settings, "j"), "mail.grussell.org")
  assert.equal(macro(settings, "m"), "grussell.org")
  assert.equal(option(settings, "MaxHopCount"), 25)
  assert.equal(option(settings, "Timeout.queuereturn"), 5 * 86_400)
  assert.equal(optionAt(settings, "MaxHopCount"), undefined)
  assert.deepEqual(
    settings.daemons.map(({ name, port, modify }) => [name, port, modify]),
    [
      ["MTA", 25, ""],
      ["MSA", 587, "E"],
    ],
  )
  assert.deepEqual(
    tablesNamed(settings, "aliases").map(({ kind, file }) => [kind, file]),
    [["hash", "/etc/mail/aliases"]],
  )
  for (const name of ["localhost", "mail", "mail.grussell.org", "[127.0.0.1]", "[192.0.2.7]"]) {
    assert.equal(inClass(settings, "w", name).member, true, name)
  }
  assert.equal(inClass(settings, "w", "grussell.org").member, false)
  assert.equal(inClass(settings, "t", "root").member, true)
})

test("time and size units are sendmail's", () => {
  const settings = site(`define(\`confTO_QUEUERETURN', \`3')dnl
define(\`confTO_QUEUEWARN', \`1h30m')dnl
define(\`confTO_CONNECT', \`1m')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`confMIN_QUEUE_AGE', \`10')dnl
define(\`confCONNECTION_RATE_WINDOW_SIZE', \`10m')dnl
define(\`confMAX_MESSAGE_SIZE', \`10M')dnl
define(\`confDEF_USER_ID', \`\`8:12'')dnl
define(\`confTRY_NULL_MX_LIST', true)dnl
define(\`confDONT_PROBE_INTERFACES', \`True')dnl`)
  assert.equal(option(settings, "Timeout.queuereturn"), 3 * 86_400)
  assert.equal(option(settings, "Timeout.queuewarn"), 5400)
  assert.equal(option(settings, "Timeout.connect"), 60)
  assert.equal(option(settings, "Timeout.ident"), 0)
  assert.equal(option(settings, "MinQueueAge"), 600)
  assert.equal(option(settings, "ConnectionRateWindowSize"), 600)
  assert.equal(option(settings, "MaxMessageSize"), 10 * 1024 * 1024)
  assert.equal(option(settings, "DefaultUser"), "8:12")
  assert.equal(option(settings, "TryNullMXList"), true)
  assert.equal(inClass(settings, "w", "[192.0.2.7]").member, false)
})

test("goaway is all privacy words but those that concern the queue and receipts", () => {
  const settings = site("define(`confPRIVACY_FLAGS', `goaway,restrictmailq')dnl")
  const on = (flag: string) => hasFlag(settings, "PrivacyOptions", flag)
  assert.deepEqual(
    [on("novrfy"), on("NoExpn"), on("restrictmailq"), on("restrictqrun")],
    [true, true, true, false],
  )
})

test("a word nobody knows is an error with its place, a picture and the nearest word", () => {
  assert.deepEqual(complaints(`${head}FEATUER(\`access_db')dnl`), [
    `/etc/mail/sendmail.mc:3:1: error: there is no word FEATUER
    3 | FEATUER(\`access_db')dnl
      | ^~~~~~~
    did you mean FEATURE?`,
  ])
})

for (const [line, says] of [
  ["FEATURE(`acess_db')dnl", /3:1: error: there is no FEATURE\(`acess_db'\)[^]*did you mean access_db\?/],
  [
    "define(`confMAX_MESAGE_SIZE', `1')dnl",
    /3:1: error: there is no option confMAX_MESAGE_SIZE[^]*did you mean confMAX_MESSAGE_SIZE\?/,
  ],
  ["define(`confMAX_HOP', `many')dnl", /error: confMAX_HOP: "many" is not a number/],
  ["define(`confTO_CONNECT', `soon')dnl", /error: confTO_CONNECT: "soon" is not a time/],
  ["define(`confME_TOO', `perhaps')dnl", /neither True nor False/],
  ["define(`confAUTO_REBUILD')dnl", /warning: confAUTO_REBUILD has no effect: aliases are never rebuilt/],
  ["MAILER(`smpt')dnl", /error: there is no MAILER\(smpt\)[^]*did you mean smtp\?/],
  ["MAILER(`uucp')dnl", /warning: MAILER\(uucp\) is not supported/],
  ["FEATURE (`redirect')dnl", /error: no blank may stand between FEATURE and its parenthesis/],
  ["please deliver my mail", /error: "please deliver my mail" belongs to no word/],
  ["DAEMON_OPTIONS(`Prt=25')dnl", /error: there is no key Prt=[^]*did you mean Port\?/],
  ["DAEMON_OPTIONS(`Port=smpt')dnl", /error: "smpt" is not a port[^]*did you mean smtp\?/],
  ["FEATURE(`nullclient')dnl", /error: FEATURE\(`nullclient'\) takes 1 to 2, here are 0/],
  ["FEATURE(`redirect', `yes')dnl", /warning: FEATURE\(`redirect'\) takes no argument/],
  ["FEATURE(`promiscuous_relay')dnl", /warning: .*open relay/],
  ["FEATURE(`blacklist_recipients')dnl", /warning: .*deprecated; use `blocklist_recipients'/],
  ["FEATURE(`bitdomain')dnl", /warning: .*BITNET is gone/],
  [
    "FEATURE(`access_db', `hsah /etc/mail/access')dnl",
    /error: access: "hsah" is no class of maps[^]*did you mean hash\?/,
  ],
  ["FEATURE(`mailertable', `ldap -1 -k x')dnl", /error: mailertable: maps of class ldap are not supported/],
  [
    "define(`SMART_HSOT', `x')dnl",
    /warning: SMART_HSOT is defined and never used[^]*did you mean SMART_HOST\?/,
  ],
  ["OSTYPE(`debain')dnl", /there is no OSTYPE debain; did you mean debian\?/],
  ["DOMAIN(`nowhere')dnl", /there is no file for DOMAIN\(nowhere\)/],
  ["VIRTUSER_DOMAIN_FILE(`/etc/mail/vd')dnl", /error: class VirtHost: \/etc\/mail\/vd: no such file/],
  ["LOCAL_CONFIG\nR$*\t$: $1", /4:1: error: a rule before any ruleset is named/],
  ["LOCAL_CONFIG\nO MaxHopCuont=3", /error: there is no option MaxHopCuont[^]*did you mean MaxHopCount\?/],
  ["include(`/etc/mail/gone.m4')dnl", /error: cannot include: \/etc\/mail\/gone.m4: no such file/],
  ["MODIFY_MAILER_FLAGS(`LOCLA', `+S')dnl", /there is no mailer LOCLA[^]*did you mean LOCAL\?/],
  [
    "DAEMON_OPTIONS(`Port=smtp')dnl\nDAEMON_OPTIONS(`Name=B')dnl",
    /4:1: error: port 25 is taken by the listener MTA already/,
  ],
  ["define(`confDOMAIN_NAME', `$x.org')dnl", /"\$x.org" is no host name/],
  ["syscmd(`reboot')dnl", /error: syscmd: reading a configuration starts no programs/],
] as const) {
  test(`said and explained: ${line.replaceAll("\n", " / ")}`, () => {
    const all = complaints(head + line)
    assert.equal(all.length, 1, all.join("\n"))
    assert.match(all[0] ?? "", says)
  })
}

test("an error keeps the settings back, a warning does not, and all issues come at once", () => {
  const { settings, issues } = load(
    "FEATURE(`x1x')dnl\nFEATURE(`y2y')dnl\nMAILER(`local')MAILER(`smtp')dnl\n",
  )
  assert.equal(settings, undefined)
  assert.deepEqual(
    issues.map((issue) => issue.at?.line),
    [1, 2],
  )
  assert.ok(load("FEATURE(`vnet')dnl\n").settings !== undefined)
})

test("cf lines that are simple are understood, with or without LOCAL_CONFIG", () => {
  const settings = site(
    `${head}Cwplain.example.org
LOCAL_CONFIG
Cwmore.example.org and.example.org
C{Mine}a b
DSsmart.example.org
D{MyMacro}some text
Fw/etc/mail/more-names
O MaxHopCount=17
Kdequote2 dequote -s
# a comment`,
    { "/etc/mail/more-names": "file.example.org\n" },
  )
  for (const name of ["plain", "more", "and", "file"]) {
    assert.equal(inClass(settings, "w", `${name}.example.org`).member, true, name)
  }
  assert.equal(inClass(settings, "Mine", "b").at?.line, 6)
  assert.deepEqual([macro(settings, "S"), macro(settings, "MyMacro")], ["smart.example.org", "some text"])
  assert.equal(option(settings, "MaxHopCount"), 17)
  assert.deepEqual(settings.maps.get("dequote2")?.args, "-s")
})

test("rules are kept as they are, with their lines, for the rule engine", () => {
  const text =
    "LOCAL_RULESETS\nSLocal_check_mail\nR$*\t\t$: $1\n\t\t$2\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n"
  const { issues, settings } = load(text)
  assert.notEqual(settings, undefined)
  assert.deepEqual(issues.map(printIssue), [])
  assert.deepEqual(readMc(mc, text, reading({}), {}).localLines, [
    { section: "LOCAL_RULESETS", text: "SLocal_check_mail", at: at(2) },
    { section: "LOCAL_RULESETS", text: "R$*\t\t$: $1\n\t\t$2", at: at(3) },
  ])
})

test("a file of the site is read, and what it says is cited through the include", () => {
  const settings = site(`${head}include(\`/etc/mail/local.m4')dnl`, {
    "/etc/mail/local.m4": "dnl ours\nFEATURE(`redirect')dnl\n",
  })
  assert.deepEqual(feature(settings, "redirect")?.at, {
    file: "/etc/mail/local.m4",
    line: 2,
    column: 1,
    via: { file: mc, line: 3, column: 1 },
  })
  assert.equal(inClass(settings, "P", "redirect").member, true)
})

test("ifdef over several lines: each word keeps its own line", () => {
  const settings = site(
    "define(`HUB')dnl\nifdef(`HUB', `\nFEATURE(`redirect')\ndefine(`MAIL_HUB', `hub.hello.com')\n')dnl",
  )
  assert.equal(feature(settings, "redirect")?.at?.line, 3)
  assert.equal(settings.macros.get("H")?.at?.line, 4)
})

test("a domain file beside the configuration is found by DOMAIN()", () => {
  const settings = site("DOMAIN(`hello')dnl", {
    "/etc/mail/domain/hello.m4": "MASQUERADE_AS(`hello.com')dnl\n",
  })
  assert.equal(macro(settings, "M"), "hello.com")
})

test("the last define counts, undefine takes it back", () => {
  assert.equal(option(site("define(`confMAX_HOP', `5')dnl\ndefine(`confMAX_HOP', `6')dnl"), "MaxHopCount"), 6)
  assert.equal(option(site("define(`confMAX_HOP', `5')dnl\nundefine(`confMAX_HOP')dnl"), "MaxHopCount"), 25)
})

test("MAIL_SETTINGS_DIR moves the tables and files that are not named", () => {
  const settings = site(
    "define(`MAIL_SETTINGS_DIR', `/srv/mail/')dnl\nFEATURE(`virtusertable')dnl\nFEATURE(`use_cw_file')dnl",
    {
      "/srv/mail/local-host-names": "hello.com\n",
    },
  )
  assert.equal(tablesNamed(settings, "virtusertable")[0]?.file, "/srv/mail/virtusertable")
  assert.equal(tablesNamed(settings, "aliases")[0]?.file, "/srv/mail/aliases")
  assert.equal(inClass(settings, "w", "hello.com").member, true)
})

test("a macro inside a quoted argument is filled in, as sendmail's own files do", () => {
  const settings = site(
    "define(`DIR', `/srv/tables')dnl\nFEATURE(`mailertable', `hash -o DIR/mailertable')dnl\nRELAY_DOMAIN(`DIR')dnl",
  )
  assert.equal(tablesNamed(settings, "mailertable")[0]?.file, "/srv/tables/mailertable")
  assert.equal(inClass(settings, "R", "/srv/tables").member, true)
})

test("several alias files, with their classes and flags", () => {
  const settings = site("define(`ALIAS_FILE', `/etc/aliases, hash:-o /etc/mail/lists.db')dnl")
  assert.deepEqual(
    tablesNamed(settings, "aliases").map(({ file, flags }) => [file, flags]),
    [
      ["/etc/aliases", ""],
      ["/etc/mail/lists", "-o"],
    ],
  )
})

test("features with arguments, several times", () => {
  const settings = site(
    "FEATURE(`dnsbl', `zen.example.org')dnl\nFEATURE(`dnsbl', `bl2.example.org', `\"550 see \" $&{client_addr}', `t')dnl",
  )
  assert.deepEqual(
    features(settings, "dnsbl").map(({ args }) => args),
    [["zen.example.org"], ["bl2.example.org", '"550 see " $&{client_addr}', "t"]],
  )
})

test("a null client sends all to its hub, in its name, and has no aliases", () => {
  const { settings, issues } = load(`${head}FEATURE(\`nullclient', \`hub.hello.com')dnl\n`)
  assert.deepEqual(issues, [])
  assert.ok(settings !== undefined)
  assert.deepEqual(
    [macro(settings, "H"), macro(settings, "S"), macro(settings, "M")],
    Array(3).fill("hub.hello.com"),
  )
  assert.equal(macro(settings, "H") && settings.macros.get("H")?.at?.line, 3)
  assert.deepEqual(tablesNamed(settings, "aliases"), [])
  assert.ok(mailer(settings, "relay") !== undefined)
})

test("a Maildir's quota and its folders are looked at, not guessed", () => {
  const says = (text: string) =>
    load(`${head}${text}\nMAILER(\`smtp')\n`).issues.map(({ message }) => message)
  assert.deepEqual(says("FEATURE(`maildir', `', `10485760S,1000C')FEATURE(`detail_folders', `make')"), [])
  assert.match(says("FEATURE(`maildir', `', `10 MB')").join(), /"10 MB" is no quota: octets with S/)
  assert.match(says("FEATURE(`maildir')FEATURE(`detail_folders', `all')").join(), /"make" or nothing/)
  assert.match(says("FEATURE(`detail_folders')").join(), /no effect without FEATURE\(`maildir'\)/)
})

test("local mail by LMTP goes to a socket; mail.local is ourselves; another program is told, not guessed", () => {
  assert.deepEqual(local("FEATURE(`local_lmtp')"), ["mbox", "/var/mail/%u", 2])
  assert.deepEqual(local("FEATURE(`local_lmtp', `/usr/libexec/mail.local')"), ["mbox", "/var/mail/%u", 2])
  assert.deepEqual(local("FEATURE(`local_lmtp', `[IPC]', `FILE /run/dovecot/lmtp')"), [
    "[IPC]",
    "FILE /run/dovecot/lmtp",
    1,
  ])
  const { issues } = load(`${head}FEATURE(\`local_lmtp', \`/usr/bin/lmtpd')\nMAILER(\`smtp')\n`)
  assert.match(
    issues.map(({ message }) => message).join(),
    /LMTP to a program \(\/usr\/bin\/lmtpd\) is not spoken/,
  )
})

test("Sieve beside a program that takes the mail first is told to be in vain", () => {
  const says = (text: string) =>
    load(`${head}${text}\nMAILER(\`smtp')\n`).issues.map(({ message }) => message)
  assert.deepEqual(says("FEATURE(`sieve')FEATURE(`maildir')"), [])
  assert.match(
    says("FEATURE(`local_procmail')FEATURE(`sieve')").join(),
    /sieve has no effect with FEATURE\(`local_procmail'\)/,
  )
})

test("local mail: mbox as root, under the state directory else, Maildirs when asked, a program when named", () => {
  assert.deepEqual(local(""), ["mbox", "/var/mail/%u", 2])
  assert.deepEqual(local("define(`confLOCAL_MAILBOX_DIR', `/srv/boxes')"), ["mbox", "/srv/boxes/%u", 1])
  assert.deepEqual(local("FEATURE(`maildir')"), ["maildir", "%h/Maildir", 1])
  assert.deepEqual(local("FEATURE(`maildir', `/srv/mail/%u')"), ["maildir", "/srv/mail/%u", 1])
  assert.equal(local("FEATURE(`local_procmail', `/usr/bin/procmail')")[0], "/usr/bin/procmail")
  assert.deepEqual(local("FEATURE(`local_procmail', `', `procmail -t -Y -a $h -d $u')"), [
    "[PROCMAIL]",
    "procmail -t -Y -a $h -d $u",
    1,
  ])
  assert.deepEqual(local("define(`LOCAL_MAILER_PATH', `/usr/bin/maildrop')"), [
    "/usr/bin/maildrop",
    "maildrop -d $u",
    1,
  ])
  const user = loadSettings({
    source: { file: mc, text: "MAILER(`local')" },
    read: reading({}),
    place: { ...place, root: false },
  })
  assert.equal(
    user.settings === undefined ? "" : option(user.settings, "LocalMailboxDirectory"),
    "/var/lib/waypost/mail",
  )
})

test("mailers have sendmail's flags, changed by MODIFY_MAILER_FLAGS and limits by _MAX", () => {
  const settings = site("MODIFY_MAILER_FLAGS(`SMTP', `+R-X')dnl\ndefine(`RELAY_MAILER_MAX', `5000')dnl")
  assert.equal(mailer(settings, "smtp")?.flags, "mDFMuR")
  assert.equal(mailer(settings, "relay")?.maxSize, 5000)
  assert.equal(mailer(settings, "*file*")?.path, "[FILE]")
})

test("milters: those in use, in order", () => {
  const settings = site(
    "INPUT_MAIL_FILTER(`dkim', `S=inet:8891@localhost, F=T')dnl\nMAIL_FILTER(`other', `S=local:/run/o')dnl\nINPUT_MAIL_FILTER(`spam', `S=local:/run/s')dnl",
  )
  assert.deepEqual(option(settings, "InputMailFilters"), ["dkim", "spam"])
  assert.equal(settings.filters.get("dkim")?.equates, "S=inet:8891@localhost, F=T")
})

test("the submission door and LMTP are listeners like others", () => {
  const settings = site(
    "FEATURE(`no_default_msa')dnl\nDAEMON_OPTIONS(`Family=inet6, Name=MSA6, Port=submission, M=Ea, Addr=::1')dnl\nDAEMON_OPTIONS(`Protocol=lmtp, Addr=127.0.0.1, Name=L')dnl",
  )
  const [msa, lmtp] = settings.daemons
  assert.deepEqual(
    [msa?.name, msa?.family, msa?.port, msa?.modify, msa?.address],
    ["MSA6", "inet6", 587, "Ea", "::1"],
  )
  assert.deepEqual([lmtp?.port, lmtp?.other.get("protocol")], [24, "lmtp"])
})

test("the built-in default is a sendmail.mc without an issue, and listens on the loopback only", () => {
  const read = reading({ "/srv/state/local-host-names": "hello.com\n" })
  const { settings, issues } = loadSettings({
    source: { file: defaultSource, text: defaultMc },
    read,
    place: { ...place, state: "/srv/state", root: false },
  })
  assert.deepEqual(issues.map(printIssue), [])
  assert.ok(settings !== undefined)
  assert.deepEqual(
    settings.daemons.map(({ name, address, port }) => [name, address, port]),
    [
      ["MTA", "127.0.0.1", 2525],
      ["MSA", "127.0.0.1", 2587],
    ],
  )
  assert.equal(mailer(settings, "local")?.args, "/srv/state/mail/%u")
  assert.deepEqual(
    tablesNamed(settings, "aliases").map(({ file, flags }) => [file, flags]),
    [["/srv/state/aliases", "-o"]],
  )
  assert.equal(inClass(settings, "w", "hello.com").member, true)
  assert.equal(tablesNamed(settings, "access")[0]?.file, "/srv/state/access")
})

const cases = join(dirname(fileURLToPath(import.meta.url)), "../../../shared/sendmail-cases")
const sites = existsSync(cases)
  ? readdirSync(cases).filter((name) => existsSync(join(cases, name, "site.mc")))
  : []

test("every site whose mail was measured with sendmail is read without an error", {
  skip: sites.length === 0 && "../shared is not here",
}, () => {
  for (const name of sites) {
    const folder = join(cases, name)
    const read: ReadText = (path) => {
      const own = join(folder, path.replace(/^\/etc\/mail\//, ""))
      return path.startsWith("/etc/mail/") && existsSync(own)
        ? ok(readFileSync(own, "utf8"))
        : fail(`${path}: no such file`)
    }
    const source = { file: mc, text: readFileSync(join(folder, "site.mc"), "utf8") }
    const { settings, issues } = loadSettings({ source, read, place })
    assert.ok(settings !== undefined, `${name}:\n${issues.map(printIssue).join("\n")}`)
    assert.ok(settings.daemons.length > 0, name)
  }
  assert.ok(sites.length >= 51, `${sites.length} sites`)
})

const examples = join(dirname(fileURLToPath(import.meta.url)), "../../examples")

for (const name of readdirSync(examples).filter((file) => file.endsWith(".mc"))) {
  test(`examples/${name} is read without an issue`, () => {
    const source = { file: name, text: readFileSync(join(examples, name), "utf8") }
    assert.deepEqual(loadSettings({ source, read: reading({}), place }).issues.map(printIssue), [])
  })
}

// Some 5 ms where nothing else runs (bench/decisions.ts). The bound is for a reading that became quadratic.
test("a configuration of 300 lines is read in milliseconds", () => {
  const lines = Array.from({ length: 290 }, (_, index) => `RELAY_DOMAIN(\`d${index}.example.org')dnl`).join(
    "\n",
  )
  load(head + lines)
  const started = performance.now()
  load(head + lines)
  assert.ok(performance.now() - started < 1000)
})
