// The form in which an address leaves by a mailer: header or envelope, sender or recipient (sendmail: the S= and R= rulesets of
// a mailer). Mail to mailboxes of this host keeps bare names, unless FEATURE(always_add_domain); all other mail names a domain.
import { parseDomain, printLocalPart, printMailbox } from "../mail/address.ts"
import { because, type Decision, yes } from "../mail/decision.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { option } from "../config/options.ts"
import { feature } from "../config/settings.ts"
import { canonify } from "./canonify.ts"
import { rewriteRecipient, rewriteSender, type Where } from "./masquerade.ts"
import { misconfigured } from "./reasons.ts"
import { realMailbox, spokenBy } from "./spoken.ts"
import { type Canonical, localDomain, type RoutingWorld } from "./world.ts"

export type AddressKind = "sender" | "recipient"

/** By which mailer, in which place, as what. */
export type Leaving = { readonly mailer: string; readonly where: Where; readonly kind: AddressKind }

/** The address as it leaves, as text: `bob` where nothing adds a domain. */
export function rewriteAddress(
  address: Canonical,
  leaving: Leaving,
  world: RoutingWorld,
): Soon<Decision<string>> {
  const hook = world.hooks?.[leaving.kind]
  if (hook !== undefined) return byHook(hook, address, leaving, { ...world, hooks: undefined })
  if (leaving.where === "envelope" && leaving.kind === "recipient") {
    return yes(recipientFor(address, leaving.mailer, world), spoken)
  }
  if (!isLocalMailer(leaving.mailer, world)) return rewritten(real(address, world), leaving, world)
  const named = withDomain(address, world)
  if (named.outcome === "pass") return yes(printLocalPart(address.mailbox.localPart), named.reason)
  if (named.outcome !== "yes") return named
  const keeps = feature(world.settings, "local_no_masquerade")
  if (keeps !== undefined && leaving.kind === "sender" && leaving.where === "header") {
    const why = because("masquerade", "mail that stays here is not masqueraded", keeps.at)
    return yes(printMailbox(named.value.mailbox), why)
  }
  return rewritten(named.value, leaving, world)
}

/** By the site's own rules first. */
async function byHook(
  hook: NonNullable<NonNullable<RoutingWorld["hooks"]>[AddressKind]>,
  address: Canonical,
  leaving: Leaving,
  world: RoutingWorld,
): Promise<Decision<string>> {
  const left = await hook(address)
  if (left.outcome === "no" || left.outcome === "later") return left
  const read = left.outcome === "yes" ? await canonify(left.value, world) : undefined
  return rewriteAddress(read?.outcome === "yes" ? read.value : address, leaving, world)
}

/** Mailboxes and programs of this host share their rules (local.m4); all other mailers have those of SMTP. */
export function isLocalMailer(mailer: string, { settings }: Pick<RoutingWorld, "settings">): boolean {
  return mailer === option(settings, "LocalMailer") || mailer === "local" || mailer === "prog"
}

const spoken = because("mailer", "a recipient is named as its mailer says it")

function recipientFor({ mailbox, bare }: Canonical, mailer: string, world: RoutingWorld): string {
  if (isLocalMailer(mailer, world)) return printLocalPart(mailbox.localPart)
  return spokenBy(bare ? "" : mailer, mailbox, world)
}

/** host!user leaves as a name of ours. */
function real(address: Canonical, world: RoutingWorld): Canonical {
  const mailbox = realMailbox(address.mailbox, world)
  return mailbox === address.mailbox ? address : { mailbox, bare: true, local: true, localAt: undefined }
}

/** FEATURE(always_add_domain): our own name, or the one it says. A pass leaves a bare name bare. */
function withDomain(address: Canonical, { settings }: RoutingWorld): Decision<Canonical> {
  if (!address.bare) return yes(address, hasDomain)
  const adds = feature(settings, "always_add_domain")
  if (adds === undefined) return bareStays
  const says = adds.args[0] ?? ""
  const reason = because("always_add_domain", "local addresses get a domain too", adds.at)
  if (says === "") return yes(address, reason)
  const domain = parseDomain(says)
  if (!domain.ok) return misconfigured(reason, domain.error)
  const { member, at } = localDomain(settings, domain.value)
  const mailbox = { localPart: address.mailbox.localPart, domain: domain.value }
  return yes({ mailbox, bare: false, local: member, localAt: at }, reason)
}

const hasDomain = because("always_add_domain", "it has a domain")
const bareStays: Decision<never> = {
  outcome: "pass",
  reason: because("always_add_domain", "a bare name stays bare on this host"),
}

function rewritten(
  address: Canonical,
  { where, kind }: Leaving,
  world: RoutingWorld,
): Soon<Decision<string>> {
  const asked = kind === "sender" ? rewriteSender(address, where, world) : rewriteRecipient(address, world)
  return whenThere(asked, (decision) =>
    decision.outcome === "yes" ? yes(printMailbox(decision.value), decision.reason) : decision,
  )
}
