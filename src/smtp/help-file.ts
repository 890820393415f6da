// A site's help file as sendmail reads it (srvrsmtp.c, help): a topic and a line of text on each line, `smtp` for HELP alone, and
// macros in the text since `#vers 2`.
import { reply, type Reply } from "../mail/reply.ts"

export type HelpFile = {
  /** Of `#vers`; 0 where the file has none. */
  readonly version: number
  readonly lines: readonly { readonly topic: string; readonly text: string }[]
}

/** Reads it; `expand` fills in macros. */
export function readHelpFile(text: string, expand: (line: string) => string): HelpFile {
  const version = Number(/^#vers\s+(\d+)/m.exec(text)?.[1] ?? 0)
  const lines = text.split(/\r?\n/).flatMap((line) => {
    if (line === "" || line.startsWith("#")) return []
    const [, topic = line, rest = ""] = /^([^ \t]*)[ \t](.*)$/.exec(line) ?? []
    return [{ topic, text: withoutTabs(version >= 2 ? expand(rest) : rest) }]
  })
  return { version, lines }
}

/** Our replies have no tabs: blanks stand for them, up to the next eighth column. */
function withoutTabs(text: string): string {
  let shown = ""
  for (const part of text.split(/(?<=\t)/))
    shown += part.endsWith("\t")
      ? part.slice(0, -1) + " ".repeat(8 - ((shown.length + part.length - 1) % 8))
      : part
  return shown
}

/** Lines of all topics that begin so. */
export function helpFrom({ version, lines }: HelpFile, topic: string, software: string): Reply {
  const wanted = topic === "" ? "smtp" : topic.toLowerCase()
  const found = lines.filter((line) => line.topic.startsWith(wanted)).map(({ text }) => text)
  if (found.length === 0 && topic !== "") return unknownTopic(topic)
  const named = topic === "" && version < 2 && found.length > 0 ? [`This is ${software}`] : []
  return reply(214, "2.0.0", ...named, ...found, endOfHelp)
}

export const endOfHelp = "End of HELP info"

export function unknownTopic(topic: string): Reply {
  return reply(504, "5.3.0", `HELP topic "${topic.slice(0, 10)}" unknown`)
}
