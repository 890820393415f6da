// What each check means: its kind of evidence, why it matters, what an honest explanation would be, and what would settle it.
import type { Check, Kind } from "./finding.ts"

export type Lesson = {
  readonly kind: Kind
  /** Its name for people. */
  readonly title: string
  readonly why: string
  readonly honest: string | undefined
  readonly settle: string
}

const logs = "The log of the host that wrote the hop, by its id."

/** Every check. */
export const checks: Readonly<Record<Check, Lesson>> = {
  time_order: {
    kind: "order",
    title: "dates that go backwards",
    why: "Mail moves forwards in time: each host stamps it after the one before. Who invents a hop has to invent a time that fits.",
    honest: "One relay's clock is wrong, or a program fetched the mail from a mailbox much later.",
    settle: "Other mail that passed the same relay on the same day: a wrong clock is wrong for all.",
  },
  date_header: {
    kind: "order",
    title: "the Date field against the first hop",
    why: "The sender's program writes Date just before the first host takes the message.",
    honest: "The clock or zone of the sender's machine is wrong, or the message was written offline.",
    settle: "Other messages of the same sender: a wrong clock stays wrong.",
  },
  timezone: {
    kind: "order",
    title: "a zone that no place has",
    why: "Mail software takes its zone from the operating system, which knows only zones that exist.",
    honest: "A machine whose zone was set by hand.",
    settle: logs,
  },
  date_syntax: {
    kind: "order",
    title: "a day that never was",
    why: "Software computes the weekday from the date and is never wrong; people are.",
    honest: "Localized names of old groupware; a gateway that rewrote the date.",
    settle: logs,
  },
  mbox_line: {
    kind: "order",
    title: "the mailbox's line against the hops",
    why: "The mailbox's own line is written at delivery, seconds after the newest hop.",
    honest: "The message was copied into this mailbox later, by a program that wrote the line anew.",
    settle: "The mail server's log of the delivery.",
  },
  continuity: {
    kind: "names",
    title: "hops that do not meet",
    why: "The host that wrote a hop is the client of the hop above it. An invented hop has nobody above it that spoke with its host.",
    honest:
      "Address translation, names that are used inside only, a cluster or list host with several names.",
    settle: "The DNS of both names: do they lead to the same addresses or owner?",
  },
  helo_rdns: {
    kind: "names",
    title: "a greeting that is not the client's name",
    why: "A client may say any name; its address cannot be chosen. A known name from a strange line is borrowed.",
    honest:
      "Internal names and hosting: one in four honest hosts greets with another name. Of a well-known house that is rare.",
    settle: "The addresses of that name in the DNS, and the owner's SPF record.",
  },
  helo_self: {
    kind: "names",
    title: "a stranger who greets with our name",
    why: "Nobody outside is called as we are: programs that send spam borrow the receiver's name to look like a neighbour.",
    honest: "A host of our own with several addresses that is not in our list.",
    settle: "Whether the address is one of ours.",
  },
  ip_sanity: {
    kind: "names",
    title: "an address that cannot be",
    why: "The address in a hop comes from the connection itself. One that cannot exist was typed by somebody.",
    honest: "A private network or tunnel between both hosts.",
    settle: logs,
  },
  queue_id: {
    kind: "ids",
    title: "an id that no such software makes",
    why: "Each mail server makes its ids in its own way; who types one has to know it.",
    honest: "A patched build, or a gateway that rewrote the field.",
    settle: logs,
  },
  queue_id_clock: {
    kind: "ids",
    title: "the clock inside the id",
    why: "Many ids hide the moment at which they were made. Of thousands of honest ones none was seven minutes off.",
    honest: "The message was put into the queue again, or the host's clock was set while it waited.",
    settle: logs,
  },
  duplicate_id: {
    kind: "ids",
    title: "one id on two hosts",
    why: "Ids hold times and process numbers: two hosts do not choose the same one.",
    honest: "A filter or gateway that keeps the id of its neighbour.",
    settle: logs,
  },
  hop_syntax: {
    kind: "ids",
    title: "a hop that no software writes",
    why: "Each program writes its field in one way, for years. A mixture of two was put together by hand.",
    honest: "A gateway or filter that rewrites the trace.",
    settle: "Other mail by the same host: its hops look all alike.",
  },
  anachronism: {
    kind: "ids",
    title: "software that did not exist yet",
    why: "A hop cannot be older than the program that wrote it.",
    honest: "The host's clock was years off.",
    settle: "Other mail by the same host.",
  },
  route_origin: {
    kind: "identity",
    title: "a strange route for this sender",
    why: "Banks and shops send from hosts of their own, or of a sender that signs for them. They do not send by free mail or from a customer's line.",
    honest:
      "A mass-mailing house sends for them: then a signature or the envelope names who it is. A list or forwarder passed it on.",
    settle: "The house's SPF record and a DKIM signature of its domain (--online).",
  },
  from_alignment: {
    kind: "identity",
    title: "From and envelope of different owners",
    why: "From is what people see; the envelope is where failures go. They differ when somebody sends for another, or as another.",
    honest: "Lists, mass mailings, forwarders: most of the mail for which this is so.",
    settle: "A DKIM signature of the From domain.",
  },
  reply_to: {
    kind: "identity",
    title: "answers go elsewhere",
    why: "Who writes in another's name cannot read that other's mail: the answer must be led to himself.",
    honest: "Help desks, lists, people with two addresses.",
    settle: "Asking the sender by another way.",
  },
  message_id: {
    kind: "ids",
    title: "the Message-ID",
    why: "Every mailer makes one in its own way, with its own host and often its time. Mass senders and people who type one get it wrong.",
    honest: "An old mailer or script; a server that added or replaced it.",
    settle: "Other messages of the same sender and mailer.",
  },
  auth_results_trust: {
    kind: "authentication",
    title: "results that somebody else wrote",
    why: "Authentication-Results mean something only if a server that you trust wrote them. Anybody can write the field.",
    honest: "A forwarder verified the mail before it came here.",
    settle: "Verifying anew (--online), or a list of forwarders that are trusted (--trust).",
  },
  arc_structure: {
    kind: "authentication",
    title: "an ARC chain with a gap",
    why: "Each forwarder adds one whole set with the next number. A gap means that a set was taken out or made up.",
    honest: "A forwarder that reorders or removes fields.",
    settle: "Verifying the seals (--online).",
  },
  dkim_scope: {
    kind: "authentication",
    title: "what the signature does not cover",
    why: "What a signature leaves out can be changed by anybody on the way.",
    honest: "Careless settings of the signer.",
    settle: "Verifying the signature (--online).",
  },
  received_spf: {
    kind: "authentication",
    title: "SPF at the time",
    why: "The owner of the envelope's domain says which addresses send for it; our server asked when the mail came.",
    honest: "A forwarder passed it on from an address that the owner cannot know.",
    settle: "Who forwards mail to this mailbox.",
  },
  own_results: {
    kind: "authentication",
    title: "what our own server found",
    why: "Our server verified the signatures when the mail came, and asked what the owner of the From domain wants.",
    honest: "Lists and forwarders change mail on its way, and so break what vouched for it.",
    settle: "Whether a list or forwarder stands in the trace.",
  },
  display_name: {
    kind: "identity",
    title: "the name that is shown",
    why: "Many mail programs show only the name, not the address: a false address in it is read as the sender.",
    honest: 'A list or help desk that writes "ann@example.org via list".',
    settle: "Asking the person whose name it is.",
  },
  homograph: {
    kind: "identity",
    title: "a look-alike domain",
    why: "A domain that is read as another was registered to be read so.",
    honest: "Names that are like each other by chance, and honest names in other scripts.",
    settle: "When and by whom the domain was registered.",
  },
  list_headers: {
    kind: "identity",
    title: "a list that nobody knows",
    why: "A list's host sends the list's mail, and stands in the trace and the envelope.",
    honest: "Lists with a domain of their own on another's host.",
    settle: "The list's archive.",
  },
  unread: {
    kind: "ids",
    title: "more than is read",
    why: "No honest message has so many fields: they are there to hide something or to tire the reader.",
    honest: "A mail loop.",
    settle: "The top of the trace, which our own servers wrote.",
  },
  spf_now: {
    kind: "now",
    title: "SPF, as of now",
    why: "The owner of a domain publishes which addresses send for it.",
    honest: "A forwarder passed it on; or the record has changed since.",
    settle: "The server's own result from the time of delivery.",
  },
  dkim_now: {
    kind: "now",
    title: "DKIM, as of now",
    why: "A good signature proves that the domain's owner let this message go, unchanged.",
    honest: "Lists change bodies; keys are withdrawn after some months.",
    settle: "The server's own result from the time of delivery.",
  },
  dmarc_now: {
    kind: "now",
    title: "DMARC, as of now",
    why: "The owner of the From domain says what to think of mail that neither SPF nor DKIM vouch for.",
    honest: "Lists and forwarders break both.",
    settle: "The server's own result from the time of delivery.",
  },
  arc_now: {
    kind: "now",
    title: "ARC, as of now",
    why: "A whole chain of good seals shows what forwarders found before they changed the mail.",
    honest: "A forwarder that changes seals.",
    settle: "The server's own result from the time of delivery.",
  },
  reverse_now: {
    kind: "now",
    title: "reverse DNS, as of now",
    why: "The name of the client's address tells whose line it is.",
    honest: "Addresses change hands: the mail is older than the answer.",
    settle: "The name that our own server wrote into its hop.",
  },
  block_list_now: {
    kind: "now",
    title: "block lists, as of now",
    why: "Many people have had bad mail from that address.",
    honest: "A shared address, or listed long after this mail.",
    settle: "The list's own account of why and when.",
  },
}
