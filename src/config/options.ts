// Every option a sendmail.mc can set with define(`conf…'): its type, its default, its name in sendmail.cf, and what it is for.
// `option()` reads a value back with the table's type.
import type { Origin } from "../mail/decision.ts"
import { day, hour, minute, type OptionRow, type OptionType, row } from "./option-row.ts"
import { timeLimits } from "./options-timeouts.ts"
import type { OptionValue, Settings } from "./settings.ts"

/** The table, by the option's name in sendmail.cf (or ours, where sendmail writes the value elsewhere). */
export const options = {
  // Identity and files
  HeloName: row("string", "confHELO_NAME", undefined, "Name said in HELO and EHLO; $j when absent."),
  TrustedUser: row("string", "confTRUSTED_USER", undefined, "User who may own maps and start the daemon."),
  PidFile: row("string", "confPID_FILE", undefined, "Where the daemon writes its process id."),
  HostsFile: row("string", "confHOSTS_FILE", "/etc/hosts", "The hosts file."),
  ServiceSwitchFile: row(
    "string",
    "confSERVICE_SWITCH_FILE",
    "/etc/mail/service.switch",
    "Order of name services; hosts file, then DNS, is what we do.",
  ),
  BinariesDirectory: row("string", "confEBINDIR", "/usr/libexec", "Where smrsh and mail.local are."),
  AliasFile: row("list", "ALIAS_FILE", ["/etc/mail/aliases"], "Alias files, most important first."),
  HelpFile: row("string", "HELP_FILE", "/etc/mail/helpfile", "Text of the HELP command."),
  StatusFile: row("string", "STATUS_FILE", undefined, "Where counts per mailer are kept."),
  QueueDirectory: row("string", "QUEUE_DIR", "/var/spool/mqueue", "sendmail's queue; ours is under --state."),
  MspQueueDirectory: row(
    "string",
    "MSP_QUEUE_DIR",
    "/var/spool/mqueue-client",
    "sendmail's queue of submissions.",
  ),
  ProcessTitlePrefix: row("string", "confPROCESS_TITLE_PREFIX", undefined, "What ps shows before the rest."),
  TimeZoneSpec: row("string", "confTIME_ZONE", "USE_SYSTEM", "Time zone; USE_SYSTEM or USE_TZ or a name."),
  DeadLetterDrop: row(
    "string",
    "confDEAD_LETTER_DROP",
    undefined,
    "Where mail goes that cannot even bounce.",
  ),
  FromHeader: row("string", "confFROM_HEADER", "$?x$x <$g>$|$g$.", "Form of a From: that we must add."),
  UnixFromLine: row("string", "confFROM_LINE", "From $g $d", "The line before a message in an mbox."),
  ReceivedHeader: row("string", "confRECEIVED_HEADER", undefined, "Form of our Received: field."),
  MessageIdHeader: row("string", "confMESSAGEID_HEADER", "<$t.$i@$j>", "Form of a Message-Id: that we add."),
  SmtpGreetingMessage: row("string", "confSMTP_LOGIN_MSG", "$j Sendmail $v/$Z; $b", "What follows 220."),
  OperatorChars: row("string", "confOPERATORS", ".:%@!^/[]+", "Characters that are tokens of an address."),
  BlankSub: row("string", "confBLANK_SUB", ".", "What replaces blanks in unquoted addresses."),
  MustQuoteChars: row("string", "confMUST_QUOTE_CHARS", ".'", "Characters that need quotes in names."),
  OldStyleHeaders: row("boolean", "confOLD_STYLE_HEADERS", true, "Blanks may part addresses in headers."),
  ColonOkInAddr: row("boolean", "confCOLON_OK_IN_ADDR", true, "Colons are allowed in addresses."),
  DequoteOptions: row("string", "confDEQUOTE_OPTS", undefined, "Flags of the dequote map."),
  LocalMailer: row("string", "confLOCAL_MAILER", "local", "The mailer for local users."),
  SmtpMailer: row("string", "confSMTP_MAILER", "esmtp", "The mailer for the rest of the world."),
  RelayMailer: row("string", "confRELAY_MAILER", "relay", "The mailer for MAIL_HUB, SMART_HOST and friends."),
  UucpMailer: row("string", "confUUCP_MAILER", "uucp-old", "The mailer for UUCP neighbours."),
  RejectMessage: row("string", "confREJECT_MSG", "550 Access denied", "What REJECT in the access map says."),
  RelayMessage: row("string", "confRELAY_MSG", "550 Relaying denied", "What a refused relay attempt hears."),
  TrustedUsers: row("string", "confTRUSTED_USERS", undefined, "More users who may set a sender with -f."),
  CwFile: row("string", "confCW_FILE", "-o /etc/mail/local-host-names", "File of local names, class w."),
  CtFile: row("string", "confCT_FILE", "-o /etc/mail/trusted-users", "File of trusted users, class t."),
  CrFile: row("string", "confCR_FILE", "-o /etc/mail/relay-domains", "File of relay domains, class R."),

  // Aliases, .forward, local delivery
  AliasWait: row("seconds-m", "confALIAS_WAIT", 10 * minute, "How long to wait for an alias rebuild."),
  CheckAliases: row("boolean", "confCHECK_ALIASES", false, "Verify right-hand sides in newaliases."),
  MaxAliasRecursion: row("number", "confMAX_ALIAS_RECURSION", 10, "How deep aliases may lead to aliases."),
  MaxRuleRecursion: row("number", "confMAX_RULE_RECURSION", 50, "How deep rulesets may call rulesets."),
  ForwardPath: row(
    "string",
    "confFORWARD_PATH",
    "$z/.forward.$w:$z/.forward",
    "Where a user's .forward is looked for.",
  ),
  MeToo: row("boolean", "confME_TOO", true, "The sender gets a copy when he is on the list."),
  MatchGECOS: row("boolean", "confMATCH_GECOS", false, "Full names match local users."),
  DefaultUser: row("string", "confDEF_USER_ID", "8:8", "Who runs programs that no user owns."),
  DontBlameSendmail: row("list", "confDONT_BLAME_SENDMAIL", ["safe"], "Which unsafe permissions to bear."),
  UnsafeGroupWrites: row(
    "boolean",
    "confUNSAFE_GROUP_WRITES",
    true,
    "Obsolete: group-writable files are unsafe.",
  ),
  SafeFileEnvironment: row("string", "confSAFE_FILE_ENV", undefined, "Root directory for /file deliveries."),
  UserDatabaseSpec: row("string", "confUSERDB_SPEC", undefined, "Obsolete: the user database."),
  MailboxDatabase: row("string", "confMAILBOX_DATABASE", "pw", "Where mailboxes are looked up."),
  DontInitGroups: row("boolean", "confDONT_INIT_GROUPS", false, "Only the primary group for deliveries."),
  RunAsUser: row("string", "confRUN_AS_USER", undefined, "The user the mail process becomes."),
  NoRecipientAction: row(
    "string",
    "confNO_RCPT_ACTION",
    "none",
    "What to add when a header names no recipient.",
  ),
  LocalMailboxDirectory: row(
    "string",
    "confLOCAL_MAILBOX_DIR",
    undefined,
    "Ours: directory of mbox files; /var/mail as root, else under --state.",
  ),
  LocalFolderDirectory: row(
    "string",
    "confLOCAL_FOLDER_DIR",
    "%h/mail",
    "Ours: where a Sieve script's folders are files, for mailboxes that are mbox files; with %u (login) and %h (home).",
  ),
  DnsResolver: row(
    "string",
    "confDNS_RESOLVER",
    undefined,
    "Ours: ADDR:PORT of the resolver, instead of resolv.conf.",
  ),

  // Timelines and metrics
  HistoryTime: row(
    "seconds-d",
    "confHISTORY_TIME",
    7 * day,
    "Ours: how long the timelines of waypost show and trace are kept; from the next start on.",
  ),
  HistorySize: row(
    "octets",
    "confHISTORY_SIZE",
    0,
    "Ours: octets of timelines, the oldest go first; 0: 256 MiB, or a 32nd of a small disk. From the next start on.",
  ),
  MetricsPort: row(
    "number",
    "confMETRICS_PORT",
    0,
    "Ours: port of 127.0.0.1 where Prometheus reads /metrics (9925, say); 0: none.",
  ),
  ConsolePort: row("number", "confCONSOLE_PORT", 8025, "Ours: port of the console; 0: no console."),
  ConsoleAddress: row(
    "string",
    "confCONSOLE_ADDRESS",
    "127.0.0.1",
    "Ours: address of the console; one that others reach wants a certificate and an administrator with a password.",
  ),
  ConsoleHosts: row("list", "confCONSOLE_HOSTS", [], "Ours: more names that the console may be called by."),
  ConsoleCertFile: row("string", "confCONSOLE_CERT", undefined, "Ours: the console's certificate (PEM)."),
  ConsoleKeyFile: row("string", "confCONSOLE_KEY", undefined, "Ours: the key of the console's certificate."),

  // Queue and delivery
  DeliveryMode: row("string", "confDELIVERY_MODE", "background", "background, interactive, queue or defer."),
  SuperSafe: row(
    "string",
    "confSAFE_QUEUE",
    "True",
    "Mail is on disk before it is accepted; always so here.",
  ),
  QueueSortOrder: row("string", "confQUEUE_SORT_ORDER", "priority", "Order of a queue run."),
  MinQueueAge: row("seconds-m", "confMIN_QUEUE_AGE", 0, "Least time between two attempts."),
  MaxQueueAge: row("seconds-m", "confMAX_QUEUE_AGE", undefined, "Most time between two attempts."),
  MaxQueueRunSize: row("number", "confMAX_QUEUE_RUN_SIZE", 0, "Messages per queue run; 0: all."),
  MaxQueueChildren: row("number", "confMAX_QUEUE_CHILDREN", undefined, "Queue runner processes."),
  MaxRunnersPerQueue: row("number", "confMAX_RUNNERS_PER_QUEUE", 1, "Queue runners per queue group."),
  NiceQueueRun: row("number", "confNICE_QUEUE_RUN", undefined, "Priority of queue runners."),
  ForkEachJob: row("boolean", "confSEPARATE_PROC", false, "A process per job; we need none."),
  CheckpointInterval: row("number", "confCHECKPOINT_INTERVAL", 10, "Recipients between two records."),
  FastSplit: row("number", "confFAST_SPLIT", 1, "Split by MX at once without sorting."),
  QueueLA: row("number", "confQUEUE_LA", undefined, "Load above which mail is only queued."),
  RefuseLA: row("number", "confREFUSE_LA", undefined, "Load above which connections are refused."),
  DelayLA: row("number", "confDELAY_LA", 0, "Load above which commands are delayed."),
  RejectLogInterval: row("seconds-h", "confREJECT_LOG_INTERVAL", 3 * hour, "How often a refusal is logged."),
  QueueFactor: row("number", "confQUEUE_FACTOR", 600_000, "Weight of the load for queueing."),
  ClassFactor: row("number", "confWORK_CLASS_FACTOR", 1800, "Weight of Precedence:."),
  RecipientFactor: row("number", "confWORK_RECIPIENT_FACTOR", 30_000, "Weight of each recipient."),
  RetryFactor: row("number", "confWORK_TIME_FACTOR", 90_000, "Weight of each attempt."),
  QueueFileMode: row("string", "confQUEUE_FILE_MODE", "0600", "Mode of queue files."),
  TempFileMode: row("string", "confTEMP_FILE_MODE", "0600", "Mode of temporary files."),
  HoldExpensive: row("boolean", "confCON_EXPENSIVE", false, "Hold mail for mailers with flag e."),
  HostStatusDirectory: row("string", "confHOST_STATUS_DIRECTORY", undefined, "Where host status is kept."),
  SingleThreadDelivery: row(
    "boolean",
    "confSINGLE_THREAD_DELIVERY",
    false,
    "One connection to a host at a time.",
  ),
  ConnectionCacheSize: row("number", "confMCI_CACHE_SIZE", 2, "Open connections kept for the next message."),
  ConnectionCacheTimeout: row("seconds", "confMCI_CACHE_TIMEOUT", 5 * minute, "How long they are kept."),
  DataFileBufferSize: row("octets", "confDF_BUFFER_SIZE", 4096, "Memory for a body before it goes to disk."),
  XscriptFileBufferSize: row("octets", "confXF_BUFFER_SIZE", 4096, "Memory for a transcript."),
  SharedMemoryKey: row("string", "confSHARED_MEMORY_KEY", "0", "Shared memory of the processes; none here."),
  SharedMemoryKeyFile: row("string", "confSHARED_MEMORY_KEY_FILE", undefined, "Where that key is written."),
  RequiresDirfsync: row("boolean", "confREQUIRES_DIR_FSYNC", true, "Directories are synced; always so here."),
  FallbackMXhost: row("string", "confFALLBACK_MX", undefined, "Tried when all MX hosts failed."),
  FallbackSmartHost: row("string", "confFALLBACK_SMARTHOST", undefined, "Gets what nothing else can take."),
  TryNullMXList: row("boolean", "confTRY_NULL_MX_LIST", false, "When we are the best MX, try the address."),
  ResolverOptions: row("string", "confBIND_OPTS", undefined, "Options of the resolver."),
  DontExpandCnames: row("boolean", "confDONT_EXPAND_CNAMES", false, "Aliases in DNS are left as they are."),
  DontPruneRoutes: row("boolean", "confDONT_PRUNE_ROUTES", false, "Obsolete: keep source routes."),
  DialDelay: row("seconds", "confDIAL_DELAY", 0, "Obsolete: pause before a second connect."),
  Extensions: row(
    "list",
    "confEXTENSIONS",
    [],
    "Ours: CHUNKING, BINARYMIME and SMTPUTF8, offered beside what sendmail 8.17 offers.",
  ),
  DeliverByMin: row("seconds", "confDELIVER_BY_MIN", 0, "Least time of DELIVERBY (RFC 2852)."),
  SoftBounce: row("boolean", "confSOFT_BOUNCE", false, "5yz become 4yz: for trying a configuration."),
  UseCompressedIPv6Addresses: row(
    "boolean",
    "confUSE_COMPRESSED_IPV6_ADDRESSES",
    false,
    "Write IPv6 addresses with ::.",
  ),
  ConnectOnlyTo: row(
    "string",
    "confCONNECT_ONLY_TO",
    undefined,
    "All connections go to this address: tests.",
  ),
  DontProbeInterfaces: row(
    "string",
    "confDONT_PROBE_INTERFACES",
    "false",
    "Interface addresses do not join class w.",
  ),

  ...timeLimits,

  // Bounces
  ErrorMode: row("string", "confERROR_MODE", "print", "How a submission's errors are told: p q m w e."),
  ErrorHeader: row("string", "confERROR_MESSAGE", undefined, "Text or /file at the start of bounces."),
  PostmasterCopy: row("string", "confCOPY_ERRORS_TO", undefined, "Who gets a copy of each bounce."),
  DoubleBounceAddress: row(
    "string",
    "confDOUBLE_BOUNCE_ADDRESS",
    "postmaster",
    "Who gets what cannot bounce.",
  ),
  SendMimeErrors: row("boolean", "confMIME_FORMAT_ERRORS", true, "Bounces are multipart/report (RFC 3464)."),
  UseErrorsTo: row("boolean", "confUSE_ERRORS_TO", false, "Errors-To: is obeyed."),
  RrtImpliesDsn: row("boolean", "confRRT_IMPLIES_DSN", false, "Return-Receipt-To: asks for a report."),

  // Limits and policy of the SMTP server
  PrivacyOptions: row("list", "confPRIVACY_FLAGS", ["authwarnings"], "What the server keeps to itself."),
  MaxMessageSize: row("octets", "confMAX_MESSAGE_SIZE", 0, "Largest message taken; 0: no limit."),
  MaxRecipientsPerMessage: row(
    "number",
    "confMAX_RCPTS_PER_MESSAGE",
    0,
    "Most recipients in a transaction; 0: no limit.",
  ),
  BadRcptThrottle: row(
    "number",
    "confBAD_RCPT_THROTTLE",
    0,
    "Refused recipients before each costs a second.",
  ),
  BadCommandThrottle: row(
    "number",
    "confBAD_COMMAND_THROTTLE",
    0,
    "Ours: commands that make no sense before each costs a second, two, three … up to ten; 0: none.",
  ),
  MaxDaemonChildren: row(
    "number",
    "confMAX_DAEMON_CHILDREN",
    0,
    "Most connections at once; 0: our own limit.",
  ),
  ConnectionRateThrottle: row(
    "number",
    "confCONNECTION_RATE_THROTTLE",
    0,
    "Connections a second; 0: no limit.",
  ),
  ConnectionRateWindowSize: row(
    "seconds",
    "confCONNECTION_RATE_WINDOW_SIZE",
    minute,
    "The window of ratecontrol.",
  ),
  MaxHopCount: row("number", "confMAX_HOP", 25, "Received: fields that make a loop."),
  MaxNOOPCommands: row("number", "confMAX_NOOP_COMMANDS", 20, "Idle commands before each costs a second."),
  MaxHeadersLength: row("octets", "confMAX_HEADERS_LENGTH", 32_768, "Longest header section."),
  MaxMimeHeaderLength: row(
    "string",
    "confMAX_MIME_HEADER_LENGTH",
    undefined,
    "Longest MIME field/parameter.",
  ),
  MinFreeBlocks: row("number", "confMIN_FREE_BLOCKS", 100, "Free disk blocks below which mail is refused."),
  AllowBogusHELO: row("boolean", "confALLOW_BOGUS_HELO", false, "HELO needs no sensible name."),
  SingleLineFromHeader: row("boolean", "confSINGLE_LINE_FROM_HEADER", false, "From: is unfolded."),
  SaveFromLine: row("boolean", "confSAVE_FROM_LINES", false, "Keep a From_ line of the input."),
  IgnoreDots: row("boolean", "confIGNORE_DOTS", false, "A lone dot does not end a submission (-i)."),
  EightBitMode: row("string", "confEIGHT_BIT_HANDLING", "pass8", "mimify, pass or strict."),
  SevenBitInput: row("boolean", "confSEVEN_BIT_INPUT", false, "Strip the eighth bit; refused here."),
  DefaultCharSet: row("string", "confDEF_CHAR_SET", "unknown-8bit", "Charset of undeclared 8-bit text."),
  RejectNul: row("boolean", "confREJECT_NUL", true, "Refuse messages with NUL octets."),
  UseMSP: row("boolean", "confUSE_MSP", false, "The sendmail command is a submission program."),
  DirectSubmissionModifiers: row(
    "string",
    "confDIRECT_SUBMISSION_MODIFIERS",
    undefined,
    "{daemon_flags} of the sendmail command.",
  ),
  LogLevel: row("number", "confLOG_LEVEL", 9, "How much is logged."),
  ControlSocketName: row("string", "confCONTROL_SOCKET_NAME", undefined, "sendmail's control socket."),

  // AUTH
  AuthMechanisms: row(
    "string",
    "confAUTH_MECHANISMS",
    "EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN",
    "Mechanisms offered, with blanks between: EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN.",
  ),
  AuthBackends: row(
    "string",
    "confAUTH_BACKENDS",
    "sasldb users",
    "Ours: who knows logins: sasldb, users, system, dovecot=SOCKET, asked in this order.",
  ),
  AuthMaxFailures: row(
    "number",
    "confAUTH_MAX_FAILURES",
    5,
    "Ours: failed logins until a session is closed.",
  ),
  AuthOptions: row(
    "string",
    "confAUTH_OPTIONS",
    undefined,
    "Letters that mechanisms must be good for (a c d f m y), p: no password in clear text; A: AUTH= is told to hosts alone to whom we are logged in.",
  ),
  AuthRealm: row("string", "confAUTH_REALM", undefined, "The realm; $j when absent."),
  AuthMaxBits: row("number", "confAUTH_MAX_BITS", 2_147_483_647, "Strongest security layer."),
  DefaultAuthInfo: row("string", "confDEF_AUTH_INFO", undefined, "Obsolete: use AuthInfo: or authinfo."),

  // TLS
  CACertFile: row("string", "confCACERT", undefined, "Certificates of authorities we trust."),
  CACertPath: row("string", "confCACERT_PATH", undefined, "Directory of such certificates."),
  ServerCertFile: row("string", "confSERVER_CERT", undefined, "Our certificate as a server."),
  ServerKeyFile: row("string", "confSERVER_KEY", undefined, "Its key."),
  ServerCertDirectory: row(
    "string",
    "confSERVER_CERT_DIR",
    undefined,
    "Ours: more certificates, NAME.pem with NAME.key, chosen by the name the client asks for (SNI).",
  ),
  TrustedProxies: row(
    "list",
    "confTRUSTED_PROXIES",
    [],
    "Ours: addresses and networks whose XCLIENT, XFORWARD and PROXY are believed.",
  ),
  AcmeDirectory: row(
    "string",
    "confACME_DIRECTORY",
    undefined,
    "Ours: the authority that gives us certificates, by its ACME directory (https://acme-v02.api.letsencrypt.org/directory).",
  ),
  AcmeEmail: row("string", "confACME_EMAIL", undefined, "Ours: whom that authority may write to."),
  AcmeNames: row("list", "confACME_NAMES", [], "Ours: the names our certificate is for; $j when absent."),
  AcmePort: row("number", "confACME_PORT", 80, "Ours: where HTTP-01 is answered while the authority looks."),
  AcmeAuthority: row("string", "confACME_CA", undefined, "Ours: who vouches for the ACME directory itself."),
  TlsReports: row(
    "string",
    "confTLS_REPORTS",
    undefined,
    "Ours: reports about TLS with other hosts go to the domains that ask for them (RFC 8460), signed by this address. Absent: none.",
  ),
  ClientCertFile: row("string", "confCLIENT_CERT", undefined, "Our certificate as a client."),
  ClientKeyFile: row("string", "confCLIENT_KEY", undefined, "Its key."),
  CipherList: row("string", "confCIPHER_LIST", undefined, "Ciphers up to TLS 1.2."),
  TlsGroups: row(
    "string",
    "confTLS_GROUPS",
    "X25519MLKEM768:X25519:P-256:P-384:P-521",
    "Ours: groups of the key exchange, the best first. X25519MLKEM768 makes keys that no quantum computer will find either; an idle session is 5 KiB larger by it.",
  ),
  ServerSSLOptions: row("string", "confSERVER_SSL_OPTIONS", undefined, "OpenSSL options as a server."),
  ClientSSLOptions: row("string", "confCLIENT_SSL_OPTIONS", undefined, "OpenSSL options as a client."),
  DHParameters: row("string", "confDH_PARAMETERS", undefined, "Diffie-Hellman parameters."),
  TLSSrvOptions: row("string", "confTLS_SRV_OPTIONS", undefined, "V: ask for no client certificate."),
  TLSFallbacktoClear: row("boolean", "confTLS_FALLBACK_TO_CLEAR", false, "Try without TLS after a failure."),
  DANE: row("string", "confDANE", "false", "Check TLSA records (RFC 7672): true is FEATURE(`dane')."),
  CRLFile: row("string", "confCRL", undefined, "Revoked certificates."),
  CRLPath: row("string", "confCRL_PATH", undefined, "Directory of such lists."),
  RandFile: row("string", "confRAND_FILE", undefined, "Obsolete: source of randomness."),
  CertFingerprintAlgorithm: row("string", "confCERT_FINGERPRINT_ALGORITHM", "md5", "For {cert_fp}."),
  SSLEngine: row("string", "confSSL_ENGINE", undefined, "OpenSSL engine."),
  OpenSSLCnf: row("string", "confOPENSSL_CNF", undefined, "OpenSSL's own configuration file."),
  SSLEnginePath: row("string", "confSSL_ENGINE_PATH", undefined, "Where engines are."),

  // DMARC
  DmarcReports: row(
    "string",
    "confDMARC_REPORTS",
    undefined,
    "Ours: the address that daily reports to the domains that ask for them (rua=) come from; none are sent when absent.",
  ),

  // Milters and LDAP
  InputMailFilters: row("list", "confINPUT_MAIL_FILTERS", undefined, "Milters in use, in order."),
  "Milter.macros.connect": row("list", "confMILTER_MACROS_CONNECT", undefined, "Macros told at connect."),
  "Milter.macros.helo": row("list", "confMILTER_MACROS_HELO", undefined, "… at HELO."),
  "Milter.macros.envfrom": row("list", "confMILTER_MACROS_ENVFROM", undefined, "… at MAIL."),
  "Milter.macros.envrcpt": row("list", "confMILTER_MACROS_ENVRCPT", undefined, "… at RCPT."),
  "Milter.macros.data": row("list", "confMILTER_MACROS_DATA", undefined, "… at DATA."),
  "Milter.macros.eoh": row("list", "confMILTER_MACROS_EOH", undefined, "… at the end of the header."),
  "Milter.macros.eom": row("list", "confMILTER_MACROS_EOM", undefined, "… at the end of the message."),
  "Milter.LogLevel": row("number", "confMILTER_LOG_LEVEL", undefined, "How much of milters is logged."),
  LDAPDefaultSpec: row("string", "confLDAP_DEFAULT_SPEC", undefined, "Defaults of LDAP maps."),
  LDAPCluster: row("string", "confLDAP_CLUSTER", undefined, "Our name in LDAP schemas."),
} as const satisfies Readonly<Record<string, OptionRow>>

export type OptionName = keyof typeof options

/** What a type of the table is in memory. */
export type ValueOfType<T extends OptionType> = T extends "boolean"
  ? boolean
  : T extends "string"
    ? string
    : T extends "list"
      ? readonly string[]
      : number

type RowOf<N extends OptionName> = (typeof options)[N]

/** An option's value: never undefined where the table has a default. */
export type ValueOf<N extends OptionName> =
  | ValueOfType<RowOf<N>["type"]>
  | (RowOf<N>["byDefault"] extends undefined ? undefined : never)

/** The value of an option: what the configuration says, else the table's default. */
export function option<N extends OptionName>(settings: Pick<Settings, "options">, name: N): ValueOf<N> {
  const { type, byDefault }: OptionRow = options[name]
  const value = settings.options.get(name)?.value ?? byDefault
  if (value !== undefined && !isOfType(value, type)) throw new Error(`option ${name} is not of type ${type}`)
  return value as ValueOf<N> // just checked against the row's type
}

function isOfType(value: OptionValue, type: OptionType): boolean {
  if (type === "boolean" || type === "string") return typeof value === type
  return type === "list" ? Array.isArray(value) : typeof value === "number"
}

/** The line that set an option; undefined for a default. */
export function optionAt(settings: Pick<Settings, "options">, name: OptionName): Origin | undefined {
  return settings.options.get(name)?.at
}

// goaway stands for all privacy words but these.
const notInGoaway = new Set([
  "public",
  "noreceipts",
  "restrictmailq",
  "restrictqrun",
  "restrictexpand",
  "noetrn",
  "nobodyreturn",
  "noactualrecipient",
])

/** Whether a word of a list option is on, whatever its case: hasFlag(settings, "PrivacyOptions", "novrfy"). */
export function hasFlag(
  settings: Pick<Settings, "options">,
  name: "PrivacyOptions" | "DontBlameSendmail",
  flag: string,
): boolean {
  const wanted = flag.toLowerCase()
  const words = new Set(option(settings, name).map((word) => word.toLowerCase()))
  if (words.has(wanted)) return true
  return name === "PrivacyOptions" && words.has("goaway") && !notInGoaway.has(wanted)
}

const byConf = new Map<string, OptionName>()
const byLowerName = new Map<string, OptionName>()
for (const name of Object.keys(options) as OptionName[]) {
  byConf.set(options[name].conf, name) // Object.keys of this very table
  byLowerName.set(name.toLowerCase(), name)
}

/** The option behind a define: "confMAX_HOP" → "MaxHopCount". */
export function optionOfConf(conf: string): OptionName | undefined {
  return byConf.get(conf)
}

/** The option of an O line in sendmail.cf, in any case. */
export function optionOfCf(name: string): OptionName | undefined {
  return byLowerName.get(name.toLowerCase())
}

/** All names that define() may set an option by. */
export function confNames(): Iterable<string> {
  return byConf.keys()
}
