// The words of Sieve that we know: each command's and test's arguments, tags, and the extension that must be required for it.

export type Shape = "string" | "list" | "number"

export type TagWord = {
  /** What follows the tag. */
  readonly value?: Shape
  readonly needs?: string
  /** Of one group only one may stand: the match types, the address parts. */
  readonly group?: string
}

export type Word = {
  readonly needs?: string
  readonly arguments: readonly Shape[]
  /** A first argument that may be left out (imap4flags: the name of a variable). */
  readonly optionalFirst?: Shape
  /** A last argument that may be left out. */
  readonly optionalLast?: Shape
  readonly tags?: Readonly<Record<string, TagWord>>
  readonly tests?: "one" | "many"
  readonly block?: true
}

const comparison: Readonly<Record<string, TagWord>> = {
  is: { group: "match" },
  contains: { group: "match" },
  matches: { group: "match" },
  regex: { group: "match", needs: "regex" },
  count: { group: "match", value: "string", needs: "relational" },
  value: { group: "match", value: "string", needs: "relational" },
  comparator: { value: "string" },
}

const parts: Readonly<Record<string, TagWord>> = {
  localpart: { group: "part" },
  domain: { group: "part" },
  all: { group: "part" },
  user: { group: "part", needs: "subaddress" },
  detail: { group: "part", needs: "subaddress" },
}

const index: Readonly<Record<string, TagWord>> = {
  index: { value: "number", needs: "index" },
  last: { needs: "index" },
}

const zones: Readonly<Record<string, TagWord>> = {
  zone: { value: "string", group: "zone" },
  originalzone: { group: "zone" },
}

const flags: Readonly<Record<string, TagWord>> = { flags: { value: "list", needs: "imap4flags" } }
const copy: Readonly<Record<string, TagWord>> = { copy: { needs: "copy" } }

export const commands: Readonly<Record<string, Word>> = {
  require: { arguments: ["list"] },
  if: { arguments: [], tests: "one", block: true },
  elsif: { arguments: [], tests: "one", block: true },
  else: { arguments: [], block: true },
  stop: { arguments: [] },
  keep: { arguments: [], tags: flags },
  discard: { arguments: [] },
  redirect: { arguments: ["string"], tags: copy },
  fileinto: {
    needs: "fileinto",
    arguments: ["string"],
    tags: { ...flags, ...copy, create: { needs: "mailbox" } },
  },
  reject: { needs: "reject", arguments: ["string"] },
  ereject: { needs: "ereject", arguments: ["string"] },
  setflag: { needs: "imap4flags", arguments: ["list"], optionalFirst: "string" },
  addflag: { needs: "imap4flags", arguments: ["list"], optionalFirst: "string" },
  removeflag: { needs: "imap4flags", arguments: ["list"], optionalFirst: "string" },
  set: {
    needs: "variables",
    arguments: ["string", "string"],
    tags: {
      lower: { group: "case" },
      upper: { group: "case" },
      lowerfirst: { group: "first" },
      upperfirst: { group: "first" },
      quotewildcard: { group: "quote" },
      quoteregex: { group: "quote", needs: "regex" },
      length: { group: "length" },
    },
  },
  vacation: {
    needs: "vacation",
    arguments: ["string"],
    tags: {
      days: { value: "number", group: "days" },
      seconds: { value: "number", group: "days", needs: "vacation-seconds" },
      subject: { value: "string" },
      from: { value: "string" },
      addresses: { value: "list" },
      mime: {},
      handle: { value: "string" },
    },
  },
  addheader: { needs: "editheader", arguments: ["string", "string"], tags: { last: {} } },
  deleteheader: {
    needs: "editheader",
    arguments: ["string"],
    optionalLast: "list",
    tags: { ...comparison, index: { value: "number" }, last: {} },
  },
  include: {
    needs: "include",
    arguments: ["string"],
    tags: { personal: { group: "where" }, global: { group: "where" }, once: {}, optional: {} },
  },
  return: { needs: "include", arguments: [] },
  global: { needs: "include", arguments: ["list"] },
}

export const tests: Readonly<Record<string, Word>> = {
  true: { arguments: [] },
  false: { arguments: [] },
  not: { arguments: [], tests: "one" },
  anyof: { arguments: [], tests: "many" },
  allof: { arguments: [], tests: "many" },
  exists: { arguments: ["list"] },
  size: {
    arguments: [],
    tags: { over: { value: "number", group: "size" }, under: { value: "number", group: "size" } },
  },
  header: { arguments: ["list", "list"], tags: { ...comparison, ...index } },
  address: { arguments: ["list", "list"], tags: { ...comparison, ...parts, ...index } },
  envelope: { needs: "envelope", arguments: ["list", "list"], tags: { ...comparison, ...parts } },
  string: { needs: "variables", arguments: ["list", "list"], tags: comparison },
  hasflag: { needs: "imap4flags", arguments: ["list"], optionalFirst: "list", tags: comparison },
  body: {
    needs: "body",
    arguments: ["list"],
    tags: {
      ...comparison,
      raw: { group: "body" },
      text: { group: "body" },
      content: { value: "list", group: "body" },
    },
  },
  date: {
    needs: "date",
    arguments: ["string", "string", "list"],
    tags: { ...comparison, ...zones, ...index },
  },
  currentdate: {
    needs: "date",
    arguments: ["string", "list"],
    tags: { ...comparison, zone: zones["zone"] ?? {} },
  },
  duplicate: {
    needs: "duplicate",
    arguments: [],
    tags: {
      header: { value: "string", group: "id" },
      uniqueid: { value: "string", group: "id" },
      handle: { value: "string" },
      seconds: { value: "number" },
      last: {},
    },
  },
  mailboxexists: { needs: "mailbox", arguments: ["list"] },
}

/** What `require` may name. */
export const extensions: ReadonlySet<string> = new Set([
  "fileinto",
  "reject",
  "ereject",
  "envelope",
  "encoded-character",
  "imap4flags",
  "relational",
  "subaddress",
  "variables",
  "vacation",
  "vacation-seconds",
  "copy",
  "body",
  "date",
  "index",
  "regex",
  "include",
  "editheader",
  "duplicate",
  "mailbox",
  "comparator-i;octet",
  "comparator-i;ascii-casemap",
  "comparator-i;ascii-numeric",
])
