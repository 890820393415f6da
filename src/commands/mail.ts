// mail(1): a letter from a pipe or a person, or the line mode on a mailbox (POSIX mailx). Reads its command line here; what it
// does is in mua/mail/.
import { exits, type Io, Refusal, refuse } from "./io.ts"
import { type MailOptions, readMailOptions } from "../mua/mail/options.ts"

const usage = `Usage: mail [-s SUBJECT] [-c CC] [-b BCC] [-a FILE]… ADDRESS… < TEXT     sends a letter
       mail [-f [FOLDER] | -u USER]                                        reads mail, line by line (? lists its commands)

  -s TEXT          the subject
  -c, -b ADDRESS   copies; -b's are told to nobody
  -a FILE          attaches a file, as often as wished
  -r ADDRESS       the sender
  --header "K: V"  a further header field, as often as wished
  -E               an empty text is not sent, and that is no error
  -v               shows the conversation
  --dry-run        shows the message instead of sending it
  --json           tells the queue id, or what went wrong, as JSON

  -f [FOLDER]      reads FOLDER (mbox or Maildir; alone: mbox); -u USER reads USER's system mailbox
  --print LIST     prints the messages of a message list ($ is the last, /word a subject's) and ends; nothing is marked as read;
                   with --raw their octets, with --json an object each
  -H               lists the headers and ends (--json: an object each); -e only says by its exit code whether there is mail (1: none)
  -N               does not list the headers first; -n does not read /etc/mail.rc; -S NAME[=VALUE] sets a variable
  -i               ignores interrupts

The queue id of what was sent is told on a terminal, with -v and with --json; waypost explain ID and waypost show ID go on from it.
`

export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv[0] === "--help") {
    io.stdout.write(usage)
    return exits.ok
  }
  const read = readMailOptions(argv)
  if (!read.ok) return refuse(io, `mail: ${read.error} (mail --help)`, exits.usage)
  const options = read.value
  try {
    return await go(options, io)
  } catch (error) {
    const { MailboxError } = await import("../mua/mailbox.ts")
    if (error instanceof MailboxError) throw new Refusal(error.message, exits.noInput)
    throw error
  }
}

async function go(options: MailOptions, io: Io): Promise<number> {
  if (options.addresses.length > 0) return await (await import("../mua/mail/pipe.ts")).sendMail(options, io)
  return await (await import("../mua/mail/reading.ts")).readMail(options, io)
}
