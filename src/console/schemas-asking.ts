// Schemas of the pages that only ask: the rehearsal, the configuration that is tried, the examination.
import type { Config, ConfigTried, ConfigTry, ConfigWrite, ConfigWritten } from "./api-config.ts"
import type { ExplainAnswer, ExplainAsked, ExplainTree } from "./api-explain.ts"
import type { Forensics, ForensicsAsked } from "./api-forensics.ts"
import {
  anything,
  either,
  exactly,
  flag,
  type JsonSchema,
  listOf,
  named,
  number,
  object,
  only,
  orNull,
  text,
  words,
} from "./schema.ts"

const step = object({ step: text(), role: text(), says: text(), "at?": text("file:line") })
const outcome = words("yes", "no", "later", "pass")
const decision = object({ outcome, "reply?": text(), reasons: listOf(step) })

const explained = object({
  address: text(),
  lines: listOf(text()),
  "connection?": decision,
  "sender?": decision,
  "admission?": decision,
  deliverable: listOf(
    object({
      address: text(),
      mailer: text(),
      host: text(),
      user: text(),
      typed: text(),
      known: flag(),
      "owner?": text(),
      "runsAs?": text(),
      reasons: listOf(step),
    }),
  ),
  failed: listOf(
    object({
      address: text(),
      outcome: words("no", "later"),
      reply: text(),
      typed: text(),
      "word?": text(),
      reasons: listOf(step),
    }),
  ),
  beyond: listOf(object({ heading: text("what is done beyond routing"), steps: listOf(step) })),
  "tree?": named<ExplainTree>("ExplainTree"),
})

const issue = object({
  severity: words("error", "warning"),
  message: text(),
  "at?": text("file:line"),
  "line?": number(),
  "column?": number(),
  "hint?": text("what to do"),
})

const asked = {
  address: object({
    kind: only("address"),
    address: text(),
    "from?": text(),
    "client?": text("an IP address"),
  }),
  session: object({
    kind: only("session"),
    client: text("an IP address"),
    "helo?": text(),
    from: text("the reverse-path; empty: <>"),
    to: listOf(text("a forward-path")),
  }),
  message: object({
    kind: only("message"),
    "client?": text("an IP address"),
    "helo?": text(),
    "from?": text("else From: of the message"),
    "to?": listOf(text("else To: and Cc: of the message")),
    message: text("header and body"),
  }),
}

const judged = {
  "receiver?": text("the host that took it in"),
  "trusted?": listOf(text("a host that is believed")),
}

/** By the names of the types in the api files. */
export const askingSchemas: Readonly<Record<string, JsonSchema>> = {
  ExplainAsked: exactly<ExplainAsked>()(either(either(asked.address, asked.session), asked.message)),
  ExplainTree: exactly<ExplainTree>()(
    object({
      address: text(),
      says: text(),
      "at?": text("file:line"),
      fate: words("expanded", "delivered", "refused", "later", "loop", "again"),
      "up?": number("of a loop: levels above to where it leads back"),
      under: listOf(named<ExplainTree>("ExplainTree")),
    }),
  ),
  ExplainAnswer: exactly<ExplainAnswer>()(
    object({
      explained: listOf(explained),
      session: listOf(object({ says: text(), outcome, reply: text(), reasons: listOf(text()) })),
      header: listOf(
        object({ name: text(), before: text(), after: text(), mailer: text(), why: listOf(text()) }),
      ),
    }),
  ),
  Config: exactly<Config>()(
    object({
      source: text(),
      files: listOf(
        object({
          file: text(),
          kind: words("mc", "map", "class"),
          name: text(),
          text: text(),
          lines: listOf(object({ line: number(), text: text(), does: text() })),
          issues: listOf(issue),
          writable: flag(),
          "locked?": text("why not"),
          version: text(),
        }),
      ),
      settings: anything("as waypost config --diff --json"),
    }),
  ),
  ConfigTry: exactly<ConfigTry>()(
    object({ file: text(), text: text(), "addresses?": listOf(text("to be compared")) }),
  ),
  ConfigTried: exactly<ConfigTried>()(
    object({
      file: text(),
      diff: listOf(
        object({
          kind: words("same", "removed", "added"),
          text: text(),
          "before?": number(),
          "after?": number(),
        }),
      ),
      issues: listOf(issue),
      "whatif?": object({
        asked: number(),
        changed: listOf(
          object({
            address: text(),
            before: text(),
            after: text(),
            beforeReasons: listOf(text()),
            afterReasons: listOf(text()),
          }),
        ),
      }),
      version: text(),
    }),
  ),
  ConfigWrite: exactly<ConfigWrite>()(
    object({
      file: text(),
      text: text(),
      version: text("of the file that was changed"),
      confirm: only(true),
    }),
  ),
  ConfigWritten: exactly<ConfigWritten>()(object({ file: text(), version: text(), reloaded: flag() })),
  ForensicsAsked: exactly<ForensicsAsked>()(
    either(object({ text: text("the message"), ...judged }), object({ id: text("its id"), ...judged })),
  ),
  Forensics: exactly<Forensics>()(
    object({
      verdict: words("genuine", "suspicious", "forged"),
      sentence: text(),
      receiver: orNull(text()),
      receiverAssumed: flag("the topmost field is taken to be our own server's"),
      boundary: number("hops above it are believed"),
      hops: listOf(
        object({
          hop: number(),
          by: orNull(text()),
          helo: orNull(text()),
          reverse: orNull(text()),
          address: orNull(text()),
          user: orNull(text()),
          protocol: orNull(text()),
          id: orNull(text()),
          maker: text(),
          version: orNull(text()),
          signs: listOf(text("what the maker was guessed by")),
          believed: flag(),
          at: orNull(text("ISO 8601")),
          offset: orNull(number("minutes that its zone is ahead of UTC")),
          stepSeconds: orNull(number()),
          idClock: orNull(text("the time that is hidden in its id, ISO 8601")),
        }),
      ),
      findings: listOf(
        object({
          check: text(),
          kind: text(),
          hop: orNull(number()),
          header: orNull(text()),
          severity: words("info", "low", "medium", "high", "critical"),
          telling: flag("weighs more than its severity"),
          explanation: text(),
          evidence: listOf(object({ start: number(), end: number() })),
          why: text(),
          honest: orNull(text()),
          settle: text(),
        }),
      ),
      header: text("one character each octet: the spans are of it"),
      svg: text("a drawing of the route"),
    }),
  ),
}
