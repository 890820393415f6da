// Our own name and its kin ($j, $w, $m, class w), and the classes that sendmail.cf always has.
import type { Origin } from "../mail/decision.ts"
import { addMembers, addOwnNames, readClassFile } from "./classes.ts"
import type { Draft } from "./draft.ts"
import { error } from "./issues.ts"
import { options } from "./options.ts"

/** $w, $j, $m and what belongs to class w by itself. */
export function setOwnNames(draft: Draft): void {
  const { macros, place } = draft
  const full = place.hostname.toLowerCase()
  const byDefault = (name: string, value: string) => {
    if (!macros.has(name)) macros.set(name, { value, at: undefined })
  }
  byDefault("w", full)
  byDefault("m", full.split(".").slice(1).join(".") || full)
  byDefault("j", full)
  byDefault("n", "MAILER-DAEMON")
  const own = macros.get("j")
  if (own !== undefined) {
    const value = own.value.replaceAll(/\$([wm])/g, (_, name: string) => macros.get(name)?.value ?? "")
    macros.set("j", { value, at: own.at })
    if (value === "" || /\$/.test(value))
      draft.issues.push(error("bad-value", `"${own.value}" is no host name`, own.at))
    addMembers(draft.classes, "w", [value], own.at)
  }
  addOwnNames(draft.classes, place, probing(draft))
  addMembers(draft.classes, "m", [macros.get("m")?.value ?? ""], undefined)
}

function probing(draft: Draft): "all" | "none" | "no-loopback" {
  const value = String(draft.options.get("DontProbeInterfaces")?.value ?? "false").toLowerCase()
  if (value.startsWith("loop")) return "no-loopback"
  return /^(?:t|y|1|$)/.test(value) ? "none" : "all"
}

/** The files and members that sendmail.cf always names. */
export function readUsualClasses(draft: Draft): void {
  const { classes, features } = draft
  const wanted: readonly (readonly [
    letter: string,
    option: "CwFile" | "CtFile" | "CrFile",
    at: Origin | undefined,
  ])[] = [
    ...(features.get("use_cw_file") ?? []).map((use) => ["w", "CwFile", use.at] as const),
    ...(features.get("use_ct_file") ?? []).map((use) => ["t", "CtFile", use.at] as const),
    ["R", "CrFile", undefined],
  ]
  for (const [letter, name, at] of wanted) {
    const setting = draft.options.get(name)
    const spec =
      typeof setting?.value === "string" ? setting.value : inSettingsFolder(draft, options[name].byDefault)
    draft.issues.push(...readClassFile(classes, { class: letter, spec, at: setting?.at ?? at }, draft.read))
  }
  addMembers(classes, "t", ["root", "daemon"], undefined)
  const trusted = draft.options.get("TrustedUsers")
  if (typeof trusted?.value === "string") addMembers(classes, "t", trusted.value.split(/[\s,]+/), trusted.at)
  addMembers(classes, "P", ["."], undefined)
  const redirect = features.get("redirect")?.[0]
  if (redirect !== undefined) addMembers(classes, "P", ["REDIRECT"], redirect.at)
}

function inSettingsFolder(draft: Draft, spec: string): string {
  return spec.replace("/etc/mail/", draft.mc.defines.get("MAIL_SETTINGS_DIR")?.text ?? "/etc/mail/")
}
