// Texts that a configuration gives for refusals: pieces in quotes with macros between them, `"550 Mail from " $&{client_addr}
// " refused"`, as sendmail's rules have them.
import { reply, type EnhancedCode, type Reply } from "../mail/reply.ts"

/** The values of macros by name; one that is not there is nothing. */
export type MacroValues = Readonly<Record<string, string | undefined>>

/** The pieces put together. Blanks between them are not part of the text. */
export function fillInText(text: string, values: MacroValues): string {
  let out = ""
  const piece = /"((?:[^"\\]|\\.)*)"|\$&?(?:\{([^}]*)\}|(\w))|([^"$]+)|\$/g
  for (const [whole, quoted, long, short, plain] of text.matchAll(piece)) {
    if (quoted !== undefined) out += quoted.replaceAll(/\\(.)/g, "$1")
    else if (plain !== undefined) out += plain.trim() === "" ? "" : plain
    else if (long !== undefined || short !== undefined) out += values[long ?? short ?? ""] ?? ""
    else out += whole
  }
  return out.trim()
}

/** The text as a reply: its own code in front, else 553; `status` for all that has no enhanced code of its own. */
export function textReply(text: string, status: EnhancedCode): Reply {
  const found = /^([45]\d\d)(?:\s+|$)(?:([45]\.\d{1,3}\.\d{1,3})(?:\s+|$))?/.exec(text)
  if (found === null) return reply(553, status, text)
  const own = found[2] === undefined ? undefined : (found[2] as EnhancedCode) // what the pattern takes is one
  return reply(Number(found[1]), own ?? status, text.slice(found[0].length))
}
