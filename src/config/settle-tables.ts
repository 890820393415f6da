// The tables that FEATUREs and ALIAS_FILE ask for: `hash -o /etc/mail/access.db` as kind, flags and file.
import type { Origin } from "../mail/decision.ts"
import type { Draft } from "./draft.ts"
import type { FeatureRow } from "./features.ts"
import { error, suggestion, warning } from "./issues.ts"
import { options } from "./options.ts"
import type { TableSpec } from "./settings.ts"
import type { Statement } from "./statement.ts"

const compiled: ReadonlySet<string> = new Set(["hash", "btree", "dbm", "cdb"])
const plain: ReadonlySet<string> = new Set(["text", "null"])
const others =
  "ldap nis nisplus hesiod netinfo ph userdb dns regex program sequence switch socket stab implicit".split(
    " ",
  )

type FeatureStatement = Extract<Statement, { readonly kind: "feature" }>

/** The table of a FEATURE: as its first argument says, or the usual one. */
export function addFeatureTable(
  draft: Draft,
  table: NonNullable<FeatureRow["table"]>,
  use: FeatureStatement,
): void {
  const text = use.args[0]?.trim() || filledIn(draft, table.map)
  const spec = readSpec(draft, table.name, text, use.at)
  if (spec !== undefined) draft.tables.push(spec)
}

function filledIn(draft: Draft, map: string): string {
  const { defines } = draft.mc
  return map
    .replace("MAIL_SETTINGS_DIR", defines.get("MAIL_SETTINGS_DIR")?.text ?? "/etc/mail/")
    .replace("DATABASE_MAP_TYPE", defines.get("DATABASE_MAP_TYPE")?.text ?? "hash")
}

/** `hash -T<TMPF> -o /etc/mail/access.db`: kind, flags, file without the ending of its kind. */
function readSpec(draft: Draft, name: string, text: string, at: Origin | undefined): TableSpec | undefined {
  const [kind = "", ...words] = text.split(/\s+/)
  const file = words.findLast((word) => !word.startsWith("-")) ?? ""
  const wrong = (message: string, hint?: string) => {
    draft.issues.push(
      error(compiled.has(kind) ? "bad-value" : "not-supported", `${name}: ${message}`, at, hint),
    )
    return undefined
  }
  if (!compiled.has(kind) && !plain.has(kind)) {
    if (others.includes(kind.toLowerCase()))
      return wrong(`maps of class ${kind} are not supported`, "use hash and makemap")
    return wrong(`"${kind}" is no class of maps`, suggestion(kind, [...compiled, ...plain, ...others]))
  }
  if (file === "" && kind !== "null") return wrong(`no file is named in "${text}"`)
  const flags = words.filter((word) => word !== file).join(" ")
  return { name, kind, file: withoutEnding(file, kind), flags, at }
}

function withoutEnding(file: string, kind: string): string {
  return kind === "text" ? file : file.replace(/\.(?:db|cdb|dir|pag)$/, "")
}

/** ALIAS_FILE: `/etc/aliases`, `hash:/etc/aliases`, several with commas. A null client has none. */
export function addAliasTables(draft: Draft): void {
  if (draft.features.has("nullclient")) return
  const setting = draft.options.get("AliasFile")
  const usual = options.AliasFile.byDefault.map((file) => file.replace("/etc/mail/", settingsFolder(draft)))
  const files = Array.isArray(setting?.value) ? setting.value : usual
  for (const item of files) {
    const match = /^(?:([a-z0-9]+):)?\s*(.*)$/i.exec(item)
    const spec = readSpec(draft, "aliases", `${match?.[1] ?? "hash"} ${match?.[2] ?? ""}`, setting?.at)
    if (spec?.kind === "text")
      draft.issues.push(warning("not-supported", "aliases of class text are read as hash", setting?.at))
    if (spec !== undefined) draft.tables.push(spec)
  }
}

function settingsFolder(draft: Draft): string {
  return draft.mc.defines.get("MAIL_SETTINGS_DIR")?.text ?? "/etc/mail/"
}
