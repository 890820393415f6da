// Which modules stand in one file of the build, and what is done to those files so that quick commands start quickly. A command's start
// is the reading of its files and V8's taking in of their compiled code, used or not: so what some quick command always needs lies
// together, and what it seldom needs does not.
import type { Plugin } from "rolldown"

// What only a site's own rules and arithmetic of m4 need.
const rules =
  "(?:cf(?:-[a-z]+)?|computed-maps|crack|local-rules|m4-(?:eval|text)|posix-[a-z]+|print|rewrite|rule(?:-[a-z]+|s|sets|set-names)?|triple)"

/** The pieces, as rolldown's codeSplitting wants them. */
export const pieces = [
  {
    name: "commands", // all of them
    test: modules(
      "commands/(?:alone|io|main|state)",
      "(?:config/issues|daemon/layout|host/(?:channel|facts))",
      "mail/(?:address|decision|ip-text|result|soon)",
    ),
  },
  {
    name: "asking", // those that talk with a running system
    test: modules(
      "commands/(?:arguments|control-client|mailq|queue-list|ready|seconds|sendmail|sendmail-options)",
      "(?:host/(?:blocking-channel|libc|sockets)|message/date)",
    ),
  },
  {
    name: "letters", // mail and sendmail
    test: modules(
      "commands/(?:local-sender|sendmail-(?:end|header|message)|submit|submit-file|typed-message)",
      "(?:daemon/(?:ids|submission)|queue/client-file|routing/rewrite-header|smtp/dots)",
      "message/(?:addresses|full-name|header|submit)",
    ),
  },
  { name: "mailing", test: modules("commands/mail", "mua/(?:letter|send|mail/(?:options|pipe|place))") },
  {
    name: "tables", // newaliases and makemap
    test: modules("host/(?:replace|table-source)", "maps/(?:aliases|cdb|cdb-write|compile|keys|text)"),
  },
  {
    name: "settings", // whatever reads the configuration, newaliases first of all
    test: modules(`config/(?!issues|${rules})[^/]+`, "commands/(?:configuration|newaliases)"),
  },
  { name: "rules", test: modules(`config/${rules}`, "mail/reply") },
]

function modules(...paths: readonly string[]): RegExp {
  return new RegExp(`rolldown/runtime|src/(?:${paths.join("|")})\\.ts$`)
}

/** The settings load the rules when they first need one, though their source names them at its head. */
export function late(): Plugin {
  return {
    name: "late",
    renderChunk: (code, { name }) =>
      name === "settings"
        ? {
            code: code
              .replaceAll(/\brequire_rules\b/g, "require_rules()")
              .replace(/^const require_rules\(\) = /m, "const require_rules = () => "),
            map: null,
          }
        : undefined,
  }
}

const getter =
  /^Object\.defineProperty\(exports, "(\w+)", \{\s+enumerable: true,\s+get: function \(\) \{\s+return (\w+);\s+\}\s+\}\);$/gm

/** What never changes is exported as it is: a getter each would be a function more to take in. */
export function plainExports(): Plugin {
  return {
    name: "plain exports",
    renderChunk(code, { name }) {
      if (!pieces.some((piece) => piece.name === name)) return undefined
      const fixed = new Set(
        [...code.matchAll(/^(?:const|(?:async )?function\*?) (\w+)/gm)].map(([, one]) => one),
      )
      return {
        code: code.replaceAll(getter, (all, as: string, one: string) =>
          fixed.has(one) ? `exports.${as} = ${one};` : all,
        ),
        map: null,
      }
    },
  }
}
