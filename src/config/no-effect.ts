// Settings that are understood and of which nothing comes: what a site's line would do with sendmail and does not do here. Set to
// something other than the default, they are told; a test keeps this list and the code together.
import { blameIssues } from "./blame.ts"
import { type Issue, warning } from "./issues.ts"
import { type OptionName, options } from "./options.ts"
import type { Settings } from "./settings.ts"
import { printValue } from "./values.ts"

/** Options that nobody needs to hear about: their work is done in another way, or there is none. */
export const harmless: ReadonlyMap<OptionName, string> = new Map<OptionName, string>([
  ...(
    [
      "AliasWait",
      "BinariesDirectory",
      "CheckpointInterval",
      "ConnectionCacheSize",
      "ControlSocketName",
      "DataFileBufferSize",
      "DequoteOptions",
      "DialDelay",
      "DirectSubmissionModifiers",
      "DontPruneRoutes",
      "FastSplit",
      "ForkEachJob",
      "HostsFile",
      "MailboxDatabase",
      "MaxQueueChildren",
      "MaxQueueRunSize",
      "MaxRunnersPerQueue",
      "NiceQueueRun",
      "PidFile",
      "ProcessTitlePrefix",
      "QueueFileMode",
      "QueueSortOrder",
      "RequiresDirfsync",
      "RetryFactor",
      "ServiceSwitchFile",
      "SharedMemoryKey",
      "SharedMemoryKeyFile",
      "SuperSafe",
      "TempFileMode",
      "TimeZoneSpec",
      "TrustedUser",
      "UseCompressedIPv6Addresses",
      "UseMSP",
      "XscriptFileBufferSize",
    ] as const
  ).map((name) => [name, "how sendmail works inside"] as const),
  ...(["CertFingerprintAlgorithm", "OpenSSLCnf", "RandFile", "SSLEngine", "SSLEnginePath"] as const).map(
    (name) => [name, "Node's own OpenSSL is used as it is"] as const,
  ),
  ["AuthMaxBits", "no mechanism here adds a security layer, so none is stronger than that"],
  ["MspQueueDirectory", "mail that waits for its server is in clientqueue/ of --state"],
  ["QueueDirectory", "the queue is under --state"],
  ["StatusFile", "mailstats asks the running system"],
  ["Timeout.control", "the control socket is another"],
  ["Timeout.fileopen", "files are opened without waiting"],
  ["Timeout.ident", "nobody is asked who he is (RFC 1413)"],
  ["Timeout.lhlo", "Timeout.helo is for LHLO too"],
  ["Timeout.misc", "nothing is said to a host but what has a time of its own"],
])

/** Options whose line asks for something that is not done. */
export const missing: ReadonlyMap<OptionName, string> = new Map<OptionName, string>([
  ["AllowBogusHELO", "any name is taken in HELO, and FEATURE(`block_bad_helo') refuses bad ones"],
  ["ConnectOnlyTo", "use SMART_HOST in a test"],
  ["DeadLetterDrop", "what cannot even bounce stays in the queue, held"],
  ["DefaultCharSet", "8-bit text is sent as it came"],
  ["DontInitGroups", "deliveries have all groups of their user"],
  ["EightBitMode", "8-bit text is sent as it came"],
  ["FromHeader", "the form of fields that are added is fixed"],
  ["HoldExpensive", "every mailer is tried at once"],
  ["LDAPCluster", "LDAP is not supported"],
  ["LDAPDefaultSpec", "LDAP is not supported"],
  ["MatchGECOS", "only login names and aliases are users"],
  ["MaxMimeHeaderLength", "fields go as they came, up to confMAX_HEADERS_LENGTH"],
  ["MessageIdHeader", "the form of fields that are added is fixed"],
  ["MustQuoteChars", "names are quoted as RFC 5322 says"],
  ["OldStyleHeaders", "addresses in headers are parted by commas"],
  ["ReceivedHeader", "the form of fields that are added is fixed"],
  ["ResolverOptions", "see --resolver and resolv.conf"],
  ["RrtImpliesDsn", "reports are asked for with NOTIFY"],
  ["RunAsUser", "the mail process has a user of its own from the beginning"],
  ["SafeFileEnvironment", "files are written with the user's own rights"],
  ["SaveFromLine", "a From_ line is no field of the header"],
  ["SendMimeErrors", "reports are always multipart/report (RFC 3464)"],
  ["SevenBitInput", "octets are never changed"],
  ["SingleLineFromHeader", "fields go as they came"],
  ...(
    [
      "Timeout.resolver.retrans",
      "Timeout.resolver.retrans.first",
      "Timeout.resolver.retrans.normal",
      "Timeout.resolver.retry",
      "Timeout.resolver.retry.first",
      "Timeout.resolver.retry.normal",
    ] as const
  ).map((name) => [name, "say `options timeout: attempts:' in resolv.conf"] as const),
  ["SingleThreadDelivery", "a host has a limit of sessions, not one"],
  ["UnixFromLine", "the form of a From_ line is fixed"],
  ["UseErrorsTo", "reports go to the envelope's sender"],
  ["UucpMailer", "UUCP is not supported"],
])

/** Features that are understood and do nothing. */
export const idleFeatures: ReadonlyMap<string, string> = new Map([
  ["check_cert_altnames", "names of certificates are compared as RFC 6125 says anyway"],
  ["domainmap", "use virtusertable"],
  ["ldap_routing", "LDAP is not supported: use virtusertable and mailertable"],
  ["prefixmod", "a name keeps its prefix, and no {rcpt_flags} are set"],
  ["preserve_local_plus_detail", "the detail is the local mailer's host, $h, as ever"],
])

/** A warning for each line that asks in vain. */
export function withoutEffect(settings: Settings): readonly Issue[] {
  const said = [...missing].flatMap(([name, instead]) => {
    const at = changedAt(settings, name)
    const conf = options[name].conf
    return at === undefined ? [] : [warning("not-supported", `${conf} has no effect: ${instead}`, at)]
  })
  const idle = [...idleFeatures].flatMap(([name, instead]) =>
    (settings.features.get(name) ?? []).map(({ at }) =>
      warning("not-supported", `FEATURE(\`${name}') has no effect: ${instead}`, at),
    ),
  )
  return [...said, ...idle, ...blameIssues(settings)]
}

/** The line that sets an option to something else than its default. */
export function changedAt(settings: Settings, name: OptionName): Issue["at"] {
  const { type, byDefault }: (typeof options)[OptionName] = options[name]
  const setting = settings.options.get(name)
  if (setting?.at === undefined) return undefined
  const same = byDefault !== undefined && printValue(setting.value, type) === printValue(byDefault, type)
  return same ? undefined : setting.at
}
