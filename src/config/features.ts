// Every FEATURE(): what it is for, how many arguments it takes, and the table it opens.
// What a feature does is done where it is asked for: routing/, policy/, smtp/.

import type { FeatureWords } from "./feature-words.ts"

export type FeatureRow = {
  readonly about: string
  /** Most arguments after the name. */
  readonly most: number
  /** Least arguments after the name; 0 when absent. */
  readonly least?: number
  /** The table it opens, and the map that is meant when the first argument is empty. */
  readonly table?: { readonly name: string; readonly map: string }
  /** The words with values that its arguments are made of. */
  readonly words?: FeatureWords
  /** Its first argument is a regular expression. */
  readonly expression?: true
  /** The name it has now. */
  readonly now?: string
  /** Why nothing comes of it. */
  readonly obsolete?: string
  /** May stand several times. */
  readonly repeats?: boolean
  /** What the operator should be told. */
  readonly risk?: string
}

function plain(about: string, most = 0): FeatureRow {
  return { about, most }
}

function table(name: string, map: string, about: string, most = 1): FeatureRow {
  return { about, most, table: { name, map } }
}

function dead(about: string, obsolete: string): FeatureRow {
  return { about, most: 9, obsolete }
}

const dmarcActions = ["reject", "defer", "hold", "discard", "mark"]
const spfActions = ["reject", "defer", "hold", "discard", "mark", "none"]

/** The table of features, by name. `MAIL_SETTINGS_DIR` and `DATABASE_MAP_TYPE` in a map are filled in. */
export const featureRows: Readonly<Record<string, FeatureRow>> = {
  accept_unqualified_senders: plain("Senders without a domain are taken from the network."),
  accept_unresolvable_domains: plain("Senders are not refused when their domain does not resolve."),
  access_db: table(
    "access",
    "DATABASE_MAP_TYPE -T<TMPF> MAIL_SETTINGS_DIRaccess",
    "The access map: who may connect, send, be sent to, and relay. Further arguments: skip, lookupdotdomain, relaytofulladdress.",
    4,
  ),
  allmasquerade: plain("Recipients in headers are masqueraded too."),
  always_add_domain: plain("Local addresses get a domain too.", 1),
  arc: {
    about:
      "Ours: chains of seals (ARC) are checked; trust= (domains, with : between them) whose word counts where DMARC fails; seal= is the domain whose key of FEATURE(dkim_sign) seals mail that passes through.",
    most: 9,
    words: { trust: "text", seal: "text" },
  },
  authinfo: table(
    "authinfo",
    "DATABASE_MAP_TYPE MAIL_SETTINGS_DIRauthinfo",
    "Passwords for AUTH as a client.",
  ),
  badmx: plain("Senders whose MX is a bogus address are refused.", 1),
  bcc: plain("A map adds Bcc recipients.", 4),
  bestmx_is_local: plain("Domains whose best MX is this host are local.", 1),
  bimi: plain(
    "Ours: which indicator the author's domain wants shown (BIMI) is looked up where DMARC passes and is enforced, and told to readers in BIMI-Location; such fields that come in are taken away. Needs FEATURE(dmarc).",
  ),
  bitdomain: dead("BITNET names.", "BITNET is gone"),
  blacklist_recipients: {
    about: "The old name of blocklist_recipients.",
    most: 0,
    now: "blocklist_recipients",
  },
  block_bad_helo: plain("Clients that say our name, or none that is one, are refused."),
  blocklist_recipients: plain("The access map may refuse recipients."),
  check_cert_altnames: plain("TLS checks look at subjectAltName too."),
  check_other: {
    about:
      "A client that says a header field in the place of a command is let go; or what matches this regular expression.",
    most: 1,
    expression: true,
  },
  compat_check: plain("The access map is asked for sender<@>recipient.", 1),
  conncontrol: plain("ClientConn: in the access map limits open connections of a client.", 2),
  dane: plain(
    "Ours: hosts of mail prove themselves by their TLSA records (RFC 7672), where DNSSEC vouches for all of it: the resolver has to be trusted (on this machine, or `options trust-ad').",
  ),
  delay_checks: plain("Clients and senders are judged at RCPT: friend or hater, and n.", 2),
  detail_folders: plain(
    "Ours: mail for user+detail goes to the Maildir's folder .detail where that is there; with `make' it is made.",
    1,
  ),
  dkim_sign: plain(
    "Ours: mail of our own is signed (DKIM) as it leaves, with the keys in this directory, a folder for each domain (waypost dkim new): /etc/mail/dkim.",
    1,
  ),
  dkim_verify: plain(
    "Ours: signatures (DKIM) of mail from outside are checked, and Authentication-Results tells what was found.",
  ),
  dmarc: {
    about:
      "Ours: mail from outside for whose author neither SPF nor DKIM vouches is treated as his domain asks: what its reject, quarantine or none, and a result of temperror or permerror, lead to: reject, defer, hold, discard or mark.",
    most: 9,
    words: {
      reject: dmarcActions,
      quarantine: dmarcActions,
      none: dmarcActions,
      temperror: dmarcActions,
      permerror: dmarcActions,
    },
  },
  dnsbl: {
    about: "A DNS list of client addresses that are refused.",
    most: 5,
    repeats: true,
  },
  destination_rate: plain(
    "Ours: DestRate: in the access map limits the messages a minute that go to a domain.",
  ),
  dnswl: {
    about:
      "Ours: a DNS list of clients that are welcome; those in it are asked for at no other list. Then, which answers count.",
    most: 20,
    repeats: true,
  },
  domainmap: plain("A map of users for each domain.", 2),
  domaintable: table(
    "domaintable",
    "DATABASE_MAP_TYPE MAIL_SETTINGS_DIRdomaintable",
    "Domains that are rewritten to others.",
  ),
  drac: dead("POP before SMTP.", "the drac service is gone; use AUTH"),
  enhdnsbl: {
    about: "A DNS list with result codes.",
    most: 20,
    repeats: true,
  },
  forensics: plain(
    "Ours: mail from outside gets a field on top, X-Waypost-Forensics: is its trace forged, and the strongest finding; nothing is refused.",
  ),
  generics_entire_domain: plain("genericstable applies below GENERICS_DOMAIN too."),
  genericstable: table(
    "genericstable",
    "DATABASE_MAP_TYPE MAIL_SETTINGS_DIRgenericstable",
    "Outgoing addresses are rewritten.",
  ),
  greylist: {
    about:
      "Ours: a stranger's first try for a sender and a recipient is put off: delay= (5m), window= (2d), keep= (36d).",
    most: 9,
    words: { delay: "seconds", window: "seconds", keep: "seconds" },
  },
  greet_pause: {
    about: "Milliseconds of silence before the greeting; who talks first is refused.",
    most: 1,
    least: 1,
  },
  harvest_guard: {
    about: "Ours: who names too many unknown recipients is not heard for a while: most= (20), per= (1h).",
    most: 9,
    words: { most: "number", per: "seconds" },
  },
  ldap_routing: plain("Routing by LDAP.", 6),
  limited_masquerade: plain("Only MASQUERADE_DOMAIN is masqueraded, not class w."),
  local_lmtp: plain(
    "Local mail is delivered by LMTP: `[IPC]' and `FILE /run/lmtp' or `TCP host port'; for mail.local, our own mboxes.",
    2,
  ),
  local_no_masquerade: plain("Mail between local users is not masqueraded."),
  local_procmail: plain(
    "procmail delivers local mail, as each user's .procmailrc wishes: ours, or the program whose path is given; its arguments; flags.",
    3,
  ),
  lookupdotdomain: plain("The access map is asked for .domain too."),
  loose_relay_check: plain("user%site@other is not looked into."),
  maildir: plain(
    "Ours: local mail goes to a Maildir: a path with %u (login) and %h (home), %h/Maildir when absent; then its quota (10485760S,1000C).",
    2,
  ),
  mailertable: table(
    "mailertable",
    "DATABASE_MAP_TYPE MAIL_SETTINGS_DIRmailertable",
    "Domains that go another way than by MX.",
  ),
  masquerade_entire_domain: plain("Names below MASQUERADE_DOMAIN are masqueraded too."),
  masquerade_envelope: plain("Envelope senders are masqueraded too."),
  msp: plain("This is a submission program's file (submit.mc): host and port of its server.", 3),
  mta_sts: plain(
    "Ours: hosts of mail prove themselves as the MTA-STS policy of the domain asks (RFC 8461); policies are kept under --state.",
  ),
  mtamark: dead("DNS marks of mail servers.", "the proposal was given up"),
  no_default_msa: plain("No submission door on port 587 by itself.", 1),
  nocanonify: plain("Names in addresses are not looked up in DNS.", 1),
  nodns: dead("No DNS at all.", "sendmail removed it; a hosts file is used first anyway"),
  nopercenthack: plain("user%host is nothing special."),
  notsticky: dead("user@here is like user.", "that is how it is anyway"),
  nouucp: { about: "host!user is refused (reject) or nothing special (nospecial).", most: 1, least: 1 },
  nullclient: { about: "All mail goes to one hub.", most: 2, least: 1 },
  prefixmod: plain("A prefix of recipients' names that sets {rcpt_flags}, and the flags.", 2),
  preserve_local_plus_detail: plain("The mailbox of user+detail keeps +detail."),
  preserve_luser_host: plain("LUSER_RELAY sees the recipient's host."),
  promiscuous_relay: {
    about: "Mail from anybody to anywhere is relayed.",
    most: 0,
    risk: "FEATURE(`promiscuous_relay') makes this an open relay; never use it on a server that the Internet can reach",
  },
  queuegroup: plain(
    "QGRP:address or QGRP:domain in the access map chooses a queue group; the argument is the group of all others.",
    1,
  ),
  ratecontrol: plain("ClientRate: in the access map limits connections of a client.", 2),
  redirect: plain("user@new.REDIRECT answers with the new address."),
  relay_based_on_MX: plain("Domains whose MX is this host are relayed."),
  relay_entire_domain: plain("Hosts of our domain ($=m) may relay."),
  relay_hosts_only: plain("Members of class R are hosts, not domains."),
  relay_local_from: {
    about: "Who says a local sender may relay.",
    most: 0,
    risk: "FEATURE(`relay_local_from') lets anybody relay who forges a local sender",
  },
  relay_mail_from: {
    about: "RELAY for a From: in the access map lets relay.",
    most: 1,
    risk: "FEATURE(`relay_mail_from') lets anybody relay who forges a listed sender",
  },
  require_rdns: plain("Clients without a matching reverse name are refused."),
  rhsbl: { about: "A DNS list of sender domains.", most: 3, repeats: true },
  sender_login: table(
    "sender_login",
    "DATABASE_MAP_TYPE -o MAIL_SETTINGS_DIRsender_login",
    "Ours: who is logged in sends only from addresses whose mail he gets, or that the table gives him: address or @domain, then logins.",
  ),
  sieve: plain(
    "Ours: each user's Sieve script is run when mail comes for him: its path, with %u (login) and %h (home), %h/.sieve when absent; where it includes :global scripts from.",
    2,
  ),
  smrsh: plain("Programs run through the restricted shell.", 1),
  spf: {
    about:
      "Ours: SPF is asked of senders from outside, and what each result leads to: reject, defer, hold, discard, mark (fields on top of the message) or none; helo= what a fail of HELO's name leads to beside a sender: mark, reject or none.",
    most: 9,
    words: {
      helo: ["mark", "reject", "none"],
      pass: spfActions,
      none: spfActions,
      neutral: spfActions,
      softfail: spfActions,
      fail: spfActions,
      temperror: spfActions,
      permerror: spfActions,
    },
  },
  srs: {
    about:
      "Ours: senders of forwarded mail are rewritten to our domain (SRS), and lead back: domain= ($j), secret= (a file; made under --state), days= (21).",
    most: 9,
    words: { domain: "text", secret: "text", days: "number" },
  },
  stickyhost: plain("user@here is not user."),
  sts: { about: "sendmail's name of mta_sts.", most: 2, now: "mta_sts" },
  tls_failures: plain("The old name of confTLS_FALLBACK_TO_CLEAR.", 1),
  tls_session_features: plain(
    "TLS_Srv_Features: and TLS_Clt_Features: in the access map say what TLS is to be with one host: Options, CipherList, CertFile and KeyFile, Flags.",
    1,
  ),
  use_client_ptr: plain("Connect: in the access map goes by the name of PTR, whether it leads back or not."),
  use_ct_file: plain("Trusted users come from a file too."),
  use_cw_file: plain("Local names come from a file too."),
  user_limits: {
    about:
      "Ours: what one login may send from the network: recipients= (1000), messages= (any number), per= (1h).",
    most: 9,
    words: { recipients: "number", messages: "number", per: "seconds" },
  },
  uucpdomain: dead("UUCP names.", "UUCP is not supported"),
  virtuser_entire_domain: plain("virtusertable applies below VIRTUSER_DOMAIN too."),
  virtusertable: table(
    "virtusertable",
    "DATABASE_MAP_TYPE MAIL_SETTINGS_DIRvirtusertable",
    "Incoming addresses, domain by domain.",
  ),
  vnet: dead("A network of IBM.", "the network is gone"),
}

/** The row of a feature, in the case sendmail's files are named in. */
export function featureRow(name: string): FeatureRow | undefined {
  return Object.hasOwn(featureRows, name) ? featureRows[name] : undefined
}
