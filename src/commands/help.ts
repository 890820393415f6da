// `waypost --help`: what it can be asked.
import { exits, type Io } from "./io.ts"
import { versionLine } from "./version.ts"

type Row = readonly [command: string, says: string]

const groups: readonly { readonly title: string; readonly rows: readonly Row[] }[] = [
  {
    title: "Run it",
    rows: [
      ["start", "start the mail system; it stays in the foreground"],
      ["ready", "does it answer?"],
      ["idle", "wait until nothing is being delivered or due"],
      ["install", "as root: user, directories, systemd unit; --link also the sendmail command"],
      ["uninstall", "undo what install did; mail is kept"],
    ],
  },
  {
    title: "Look",
    rows: [
      ["talk [HOST:PORT]", "speak SMTP by hand, and see why it answers as it does"],
      ["explain ADDRESS", "the way an address takes, step by step"],
      ["mailq", "what waits in the queue"],
      ["queue summary", "how much waits for which destination, and for how long"],
      [
        "forensics FILE|-",
        "is a message forged? its way, what can be believed of it, and why; --teach, --quiz",
      ],
      ["show ID", "one message: envelope, header, and what happened to it"],
      ["trace WORDS", "find messages and refused sessions by id, address, Message-ID, subject"],
      ["whatif --config NEW.mc", "what another configuration would have decided of the mail that came"],
      [
        "check [DIR|FILE]",
        "is a sendmail configuration understood? --compare sets it beside its sendmail.cf",
      ],
      [
        "spf check IP FROM [HELO]",
        "may this address send for this sender? spf lint DOMAIN: is its record good?",
      ],
      ["dkim verify FILE|-", "are a message's signatures good, and why; dkim new DOMAIN: keys to sign with"],
      [
        "dmarc report FILE",
        "what others saw of our mail: aggregate reports in words; dmarc pending, send: ours for others",
      ],
      [
        "tls report FILE",
        "what others saw of TLS with our hosts, in words; tls pending, tls send: what we report",
      ],
      ["dns check DOMAIN", "has it the records mail needs, and what to do; dns setup DOMAIN prints them"],
      ["dnsbl check IP [LIST…]", "what DNS lists say of an address"],
      ["sieve check|run SCRIPT", "is a Sieve script right, and what would it do with a message"],
      [
        "procmail run|convert RC",
        "what would an rcfile do with a message; and the Sieve script that does the same",
      ],
      ["config", "the configuration as it was understood, each value with its line"],
    ],
  },
  {
    title: "Keep",
    rows: [
      ["queue list|hold|release|remove|retry|export", "steer what waits, by id or by filter"],
      ["certificate show|obtain", "our TLS certificate; a new one by ACME"],
      [
        "user add|list|remove|passwd|admin",
        "users without an account on this machine; who may use the console",
      ],
      ["console link", "a one-time link into the console"],
      ["token new|list|remove", "tokens for programs that use the console's API"],
      ["wait --to X --subject Y", "ends when such a message is there: for tests of other software"],
      ["make", "check sendmail.mc and compile the tables whose text is newer; say what changed"],
      ["reload", "have the running system take up a changed sendmail.mc"],
      ["newaliases", "compile the alias files"],
      [
        "makemap TYPE FILE",
        "compile a lookup table; editmap changes one entry, praliases prints the aliases",
      ],
      ["hoststat, purgestat", "what is remembered of other hosts, and to forget it"],
      ["mailstats", "how much mail came and went"],
      ["saslpasswd2 LOGIN", "a password for SMTP AUTH"],
      ["sendmail …", "sendmail's own command line"],
      ["vacation LOGIN", "answer mail while LOGIN is away; from a .forward"],
    ],
  },
]

export async function run(_argv: readonly string[], io: Io): Promise<number> {
  const width = Math.max(...groups.flatMap(({ rows }) => rows.map(([command]) => command.length)))
  const lines = groups.map(({ title, rows }) => {
    const commands = rows.map(([command, says]) => `  ${command.padEnd(width)}  ${says}`)
    return `\n${title}:\n${commands.join("\n")}`
  })
  io.stdout.write(
    `${versionLine}\nUsage: waypost COMMAND [ARGUMENT…]; each command has its own --help\n${lines.join("\n")}\n`,
  )
  return exits.ok
}
