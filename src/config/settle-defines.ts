// define(): each name that sendmail's library looks at becomes an option or a macro, with its type checked.
import type { Origin } from "../mail/decision.ts"
import { ok } from "../mail/result.ts"
import type { Draft } from "./draft.ts"
import { error, suggestion, warning } from "./issues.ts"
import { deadRelays, relayDefines } from "./mc.ts"
import { confNames, optionOfConf, type OptionName, options } from "./options.ts"
import { parseValue } from "./values.ts"

/** Defines that become a macro: confDOMAIN_NAME is $j. */
const macroDefines: ReadonlyMap<string, string> = new Map([
  ["confDOMAIN_NAME", "j"],
  ["confCF_VERSION", "Z"],
  ["confMAILER_NAME", "n"],
  ...relayDefines,
])

/** Names that older versions had; they have no effect in 8.17. */
const oldNames: ReadonlyMap<string, string> = new Map([
  ["confAUTO_REBUILD", "aliases are never rebuilt by themselves; run newaliases"],
  ["confREAD_TIMEOUT", "use the confTO_ names"],
  ["confMESSAGE_TIMEOUT", "use confTO_QUEUERETURN and confTO_QUEUEWARN"],
  ["confDAEMON_OPTIONS", "use DAEMON_OPTIONS()"],
  ["confCLIENT_OPTIONS", "use CLIENT_OPTIONS()"],
  ["confDEF_GROUP_ID", "use confDEF_USER_ID"],
  ["confLDAP_SERVER", "LDAP is not supported"],
  ["confSERVICE_SWITCH", "use confSERVICE_SWITCH_FILE"],
])

/** Options that are taken and mean nothing: what they ask for is gone. */
const withoutEffect: ReadonlyMap<OptionName, string> = new Map([
  ["UserDatabaseSpec", "the user database is not supported; use virtusertable"],
  ["DefaultAuthInfo", "use AuthInfo: in the access map, or FEATURE(`authinfo')"],
  ["UnsafeGroupWrites", "use confDONT_BLAME_SENDMAIL"],
])

/** Reads all defines. */
export function readDefines(draft: Draft): void {
  for (const [name, { text, at }] of draft.mc.defines) {
    const letter = macroDefines.get(name)
    const option = optionOfConf(name)
    if (letter !== undefined) readMacro(draft, letter, text.trim(), at)
    else if (option !== undefined) setOption(draft, option, text, at)
    else if (deadRelays.has(name)) draft.issues.push(warning("obsolete", `${name}: that network is gone`, at))
    else if (name.startsWith("conf")) unknown(draft, name, at)
  }
}

function readMacro(draft: Draft, letter: string, value: string, at: Origin): void {
  if (value !== "") draft.macros.set(letter, { value, at })
}

function unknown(draft: Draft, name: string, at: Origin): void {
  const old = oldNames.get(name)
  draft.issues.push(
    old === undefined
      ? error("unknown-option", `there is no option ${name}`, at, suggestion(name, confNames()))
      : warning("obsolete", `${name} has no effect: ${old}`, at),
  )
}

/** Sets an option from its text, or says why not. */
export function setOption(draft: Draft, name: OptionName, text: string, at: Origin): void {
  const { type, conf } = options[name]
  // An empty text undoes an option, as in sendmail.cf; an empty boolean is true.
  if (text.trim() === "" && type !== "boolean" && type !== "string" && type !== "list") return
  // Blanks part an alias file from its flags, only commas part files.
  const files = text.split(",").map((file) => file.trim())
  const value = name === "AliasFile" ? ok(files.filter((file) => file !== "")) : parseValue(text.trim(), type)
  if (!value.ok) {
    draft.issues.push(error("bad-value", `${conf}: ${value.error}`, at))
    return
  }
  const nothing = withoutEffect.get(name)
  if (nothing !== undefined) draft.issues.push(warning("obsolete", `${conf} has no effect: ${nothing}`, at))
  draft.options.set(name, { value: value.value, at })
}
