// Plays every dialog of test/transcripts/*.md. A `##` heading is a test and its name; the blocks before the first one hold
// for all that follow: ```config is /etc/mail/sendmail.mc, ```file PATH any other file, ```dns lines of `name TYPE value`,
// ```accounts local users, ```smtp ADDRESS [DOOR] a dialog (test/kit/talk.ts says how it is written).
import { readdirSync, readFileSync } from "node:fs"
import { describe, test } from "node:test"
import { mailhost, type MailhostOptions } from "./kit/mailhost.ts"

const folder = new URL("transcripts/", import.meta.url)

type Block = { readonly kind: string; readonly words: readonly string[]; readonly text: string }

function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, head = "", text = ""]) => {
    const [kind = "", ...words] = head.trim().split(/\s+/)
    return { kind, words, text }
  })
}

function optionsOf(blocks: readonly Block[]): MailhostOptions {
  const files: Record<string, string> = {}
  const accounts: string[] = []
  const dns: Record<string, Record<string, string[]>> = {}
  let name = "grussell.org"
  for (const { kind, words, text } of blocks) {
    if (kind === "config") files["/etc/mail/sendmail.mc"] = text
    else if (kind === "file") files[words[0] ?? ""] = text
    else if (kind === "accounts") accounts.push(...text.split(/\s+/).filter((word) => word !== ""))
    else if (kind === "host") name = text.trim()
    else if (kind === "dns") addRecords(dns, text)
    else if (kind !== "smtp") throw new Error(`a transcript has no blocks of "${kind}"`)
  }
  return { name, dns, files, accounts }
}

function addRecords(dns: Record<string, Record<string, string[]>>, text: string): void {
  for (const line of text.split("\n").filter((one) => one.trim() !== "")) {
    const [name = "", type = "", ...value] = line.trim().split(/\s+/)
    const records = (dns[name] ??= {})
    const list = (records[type] ??= [])
    list.push(value.join(" "))
  }
}

for (const file of readdirSync(folder).filter((name) => name.endsWith(".md"))) {
  const [head = "", ...sections] = readFileSync(new URL(file, folder), "utf8").split(/^## /m)
  describe(file, () => {
    for (const section of sections) {
      const sentence = section.slice(0, section.indexOf("\n")).trim()
      test(sentence, { timeout: 10_000 }, async () => {
        const blocks = [...blocksOf(head), ...blocksOf(section)]
        const host = mailhost(optionsOf(blocks))
        for (const { kind, words, text } of blocks) {
          if (kind === "smtp") await host.play(words[0] ?? "", text, words[1])
        }
      })
    }
  })
}
