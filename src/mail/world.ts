// What the core may ask for: time, names, ids, tables. The shell implements these (host/), tests hand in their own.
import type { Origin } from "./decision.ts"
import type { Result } from "./result.ts"

/** Milliseconds since 1970 (UTC). */
export type Clock = () => number

/** A new queue id, unlike any other of this system. */
export type NewId = () => string

export type MxRecord = { readonly preference: number; readonly exchange: string }

/** A TLSA record (RFC 6698 §2.1): usage, selector, matching type, and what it says of the certificate. */
export type TlsaRecord = {
  readonly usage: number
  readonly selector: number
  readonly matching: number
  readonly octets: Buffer
}

/** `secure` is the AD bit of a resolver that is trusted, else false. */
export type DnsAnswer<T> =
  | {
      readonly found: "records"
      readonly records: readonly T[]
      readonly secure: boolean
      readonly ttl: number
    }
  | { readonly found: "nothing"; readonly why: "no such name" | "no such record"; readonly secure: boolean }
  /** SERVFAIL, silence, nonsense: cannot tell, which is never no. */
  | { readonly found: "unavailable"; readonly why: string }

/** The resolver: /etc/hosts first (addresses and names only), then DNS. Names without a trailing dot, lower case. */
export type Dns = {
  mx(name: string): Promise<DnsAnswer<MxRecord>>
  /** A and AAAA records; each address as text. */
  addresses(name: string): Promise<DnsAnswer<string>>
  /** A records alone, from DNS alone and by this very name: for lists and SPF, where hosts files and search lists have no say. */
  ipv4?(name: string): Promise<DnsAnswer<string>>
  /** The same of AAAA records. */
  ipv6?(name: string): Promise<DnsAnswer<string>>
  /** PTR of an address. */
  names(address: string): Promise<DnsAnswer<string>>
  txt(name: string): Promise<DnsAnswer<string>>
  cname(name: string): Promise<DnsAnswer<string>>
  /** `_25._tcp.mx.example.org` */
  tlsa?(name: string): Promise<DnsAnswer<TlsaRecord>>
}

/** A person (or role) who can own a mailbox here. */
export type Account = {
  readonly name: string
  /** undefined when everything runs as one ordinary user: then mail is kept as that user. */
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly home: string
  readonly shell: string
  readonly gecos: string
  /** Where this account is written down (/etc/passwd, the users file); undefined for NSS sources without lines. */
  readonly at: Origin | undefined
}

export type Found<T> =
  | { readonly found: "entry"; readonly entry: T }
  | { readonly found: "nothing" }
  | { readonly found: "unavailable"; readonly why: string }

export type Accounts = {
  lookup(name: string): Found<Account> | Promise<Found<Account>>
}

/** Rules of safety that a configuration may bear to be broken (confDONT_BLAME_SENDMAIL). */
export type BornRule =
  | "group writable file"
  | "world writable file"
  | "group writable directory"
  | "world writable directory"
  | "directory of another"

/** What reading a user's .forward or :include: list came to. `unsafe` says which rule of safety it broke. */
export type UserFile =
  /** `despite`: rules that it breaks and that are borne. */
  | { readonly found: "text"; readonly text: string; readonly despite?: readonly BornRule[] }
  | { readonly found: "nothing" }
  | { readonly found: "unsafe"; readonly why: string }
  | { readonly found: "unavailable"; readonly why: string }

/** Reads a file with the rights of `owner` (undefined: the default user), never with more. */
export type ReadUserFile = (
  path: string,
  owner: Account | undefined,
  kind: "forward" | "include",
) => Promise<UserFile>

/** Reads a configuration or map file. The error is one line: "/etc/mail/access: permission denied". */
export type ReadText = (path: string) => Result<string>
