// Nine mails, asked and answered: the site and the questions of docs/journeys.md, which is made from what explain says. When the
// code says something else, the test fails and `node test/journeys.ts` writes the document anew.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Question, explainAddress } from "../src/routing/explain-address.ts"
import { type Mailhost, mailhost } from "./kit/mailhost.ts"

/** Where the document is. */
export const journeysFile: string = join(import.meta.dirname, "..", "docs", "journeys.md")

const files: Readonly<Record<string, string>> = {
  "/etc/mail/sendmail.mc": `
    OSTYPE(\`linux')dnl
    define(\`confDOMAIN_NAME', \`grussell.org')dnl
    DAEMON_OPTIONS(\`Name=MTA, Port=smtp')dnl
    LOCAL_DOMAIN(\`hello.com')dnl
    FEATURE(\`access_db')dnl
    FEATURE(\`virtusertable')dnl
    FEATURE(\`mailertable')dnl
    MAILER(\`local')dnl
    MAILER(\`smtp')dnl`,
  "/etc/mail/aliases": `
    postmaster : root
    me : gor
    olduser : /dev/null
    automail : | /home/gordon/bin/autoregister.pl
    devel : gor, me@grussell.org.uk, a.cumming`,
  "/etc/mail/virtusertable": `
    andrew@hello.com   andrew
    jim@hello.com      andrew
    @hello.com         bob`,
  "/etc/mail/mailertable": `
    .example.org       esmtp:[192.0.2.25]`,
  "/etc/mail/access": `
    To:example.org         RELAY
    From:spam@client.test  REJECT`,
  "/home/gordon/.forward": `
    \\gordon
    andrew`,
}

const accounts = ["root", "gor", "gordon", "andrew", "bob", "a.cumming"]

type Journey = { readonly title: string; readonly words: string; readonly question: Question }

const stranger = "198.51.100.7"

const journeys: readonly Journey[] = [
  {
    title: "To an alias",
    words: "`me` is not a user; line 2 of the aliases says who is meant.",
    question: { typed: "me@grussell.org" },
  },
  {
    title: "To a list",
    words:
      "A list is an alias of several. One member lives here under his own name, one elsewhere: each has its own way, and its own reason.",
    question: { typed: "devel@grussell.org" },
  },
  {
    title: "To a user who forwards",
    words:
      "Each line of a `.forward` is an alias. `\\gordon` means: no further aliasing, so gordon keeps his copy and nothing goes round in circles.",
    question: { typed: "gordon@grussell.org" },
  },
  {
    title: "To a program",
    words: "An unquoted program with its path is taken as it stands, and run with the default user's rights.",
    question: { typed: "automail@grussell.org" },
  },
  {
    title: "To a virtual domain",
    words:
      "Everyone at hello.com except andrew and jim goes to bob: the exact address is asked for first, then the domain.",
    question: { typed: "jim@hello.com" },
  },
  {
    title: "To anybody else of the virtual domain",
    words: "No line names sales, so the domain's own line decides.",
    question: { typed: "sales@hello.com" },
  },
  {
    title: "To a domain with a way of its own",
    words: "The mailertable names a host for everything below example.org; no MX is asked for.",
    question: { typed: "bob@a.example.org" },
  },
  {
    title: "From a stranger to a domain we relay for",
    words: "The access table opens the door for example.org.",
    question: { typed: "bob@example.org", from: "ann@client.test", client: stranger },
  },
  {
    title: "From a stranger to the rest of the world",
    words:
      "Nothing admits it, and every step that was asked says so. The client hears the reply and nothing else.",
    question: { typed: "carl@example.net", from: "ann@client.test", client: stranger },
  },
]

/** The document's text. */
export async function writeJourneys(): Promise<string> {
  const host = mailhost({
    name: "grussell.org",
    files,
    accounts,
    dns: { "client.test": { MX: "10 client.test", A: stranger } },
  })
  const parts = [opening()]
  for (const journey of journeys) parts.push(await tell(journey, host))
  return `${parts.join("\n\n")}\n`
}

function opening(): string {
  const shown = Object.entries(files).map(([path, text]) => `\`${path}\`\n\n${numbered(text)}`)
  return `# Nine mails

Where does a mail go, and why? Each answer below is what \`waypost explain\` says; this page is made from it by
\`node test/journeys.ts\`, and a test keeps the two the same. The site:

${shown.join("\n\n")}

Users: ${accounts.join(", ")}.`
}

function numbered(text: string): string {
  const lines = text.replace(/^\n/, "").split("\n")
  return lines.map((line, n) => `    ${String(n + 1).padStart(2)}  ${line.trim()}`).join("\n")
}

async function tell({ title, words, question }: Journey, host: Mailhost): Promise<string> {
  const { lines } = await explainAddress(question, host)
  const options = [
    question.from === undefined ? "" : ` --from ${question.from}`,
    question.client === undefined ? "" : ` --client ${question.client}`,
  ].join("")
  const output = [`$ waypost explain ${question.typed}${options}`, ...lines].map((line) =>
    `    ${line}`.trimEnd(),
  )
  return `## ${title}\n\n${words}\n\n${output.join("\n")}`
}

if (import.meta.main) writeFileSync(journeysFile, await writeJourneys())
