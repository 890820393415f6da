// What HELP says: the site's help file, else sendmail's own, as far as it is true here.
import { reply, type Reply } from "../mail/reply.ts"
import { endOfHelp, helpFrom, unknownTopic } from "./help-file.ts"
import { echo, type Offers } from "./session.ts"

const topics: Readonly<Record<string, readonly string[]>> = {
  HELO: ["HELO <hostname>", "    Introduce yourself."],
  EHLO: ["EHLO <hostname>", "    Introduce yourself, and request extended SMTP mode."],
  LHLO: ["LHLO <hostname>", "    Introduce yourself to an LMTP server."],
  MAIL: [
    "MAIL FROM: <sender> [ <parameters> ]",
    "    Specifies the sender.  Parameters are ESMTP extensions.",
    '    See "HELP DSN" for details.',
  ],
  RCPT: [
    "RCPT TO: <recipient> [ <parameters> ]",
    "    Specifies the recipient.  Can be used any number of times.",
    '    Parameters are ESMTP extensions.  See "HELP DSN" for details.',
  ],
  DATA: ["DATA", "    Following text is collected as the message.", "    End with a single dot."],
  BDAT: ["BDAT <octets> [ LAST ]", "    So many octets of the message follow, without dots added."],
  RSET: ["RSET", "    Resets the system."],
  NOOP: ["NOOP", "    Do nothing."],
  QUIT: ["QUIT", "    Exit (SMTP)."],
  HELP: ["HELP [ <topic> ]", "    This text, or what is known of the topic."],
  VRFY: [
    "VRFY <recipient>",
    "    Verify an address.  If you want to see what it aliases",
    "    to, use EXPN instead.",
  ],
  EXPN: [
    "EXPN <recipient>",
    "    Expand an address.  If the address indicates a mailing",
    "    list, return the contents of that list.",
  ],
  VERB: [
    "VERB",
    "    Go into verbose mode.  Deliveries happen in the background here,",
    "    so there is nothing more to see.",
  ],
  ETRN: ["ETRN <hostname>", "    Run the queue for the specified host."],
  DSN: [
    "MAIL FROM: <sender> [ RET={ FULL | HDRS } ] [ ENVID=<envid> ]",
    "RCPT TO: <recipient> [ NOTIFY={NEVER,SUCCESS,FAILURE,DELAY} ]",
    "                   [ ORCPT=<recipient> ]",
    "    SMTP Delivery Status Notifications.",
    "    RET: return either the full message or only headers.",
    "    ENVID: sender's envelope identifier for tracking.",
    "    NOTIFY: when to send a DSN. Multiple options are OK, comma-",
    "    delimited. NEVER must appear by itself.",
    "    ORCPT: original recipient.",
  ],
}

const overview = [
  "Topics:",
  "    HELO    EHLO    MAIL    RCPT    DATA",
  "    RSET    NOOP    QUIT    HELP    VRFY",
  "    EXPN    VERB    ETRN    DSN     BDAT",
  'For more info use "HELP <topic>".',
  "For local information send email to Postmaster at your site.",
  endOfHelp,
]

/** The list of topics, or one of them. */
export function help(topic: string, { software, help: file }: Offers): Reply {
  if (file === "unreadable") return reply(502, "5.3.0", `${software} -- HELP not implemented`)
  if (file !== undefined) return helpFrom(file, echo(topic), software)
  if (topic === "") return reply(214, "2.0.0", `This is ${software}`, ...overview)
  const name = topic.toUpperCase()
  const lines = Object.hasOwn(topics, name) ? topics[name] : undefined
  return lines === undefined ? unknownTopic(echo(topic)) : reply(214, "2.0.0", ...lines, endOfHelp)
}
