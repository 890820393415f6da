// What a user's own rules have to say about mail that is delivered here, for `explain`: an address has no message, so it can only be
// told which rules will be asked, and by which line; `waypost sieve run` and `waypost procmail run` play them on a message.
import { feature, mailer, type Settings } from "../config/settings.ts"
import { because, type Reason } from "../mail/decision.ts"
import type { Account } from "../mail/world.ts"
import { cause } from "./reasons.ts"

/** The rules that each message for this account goes through before it is kept; none when no FEATURE asks for them. */
export function userRules(settings: Settings, account: Account): readonly Reason[] {
  const sieve = feature(settings, "sieve")
  if (sieve !== undefined) {
    const script = placed(sieve.args[0] || "%h/.sieve", account)
    const says = `${script} decides about each message, when it is there (waypost sieve run ${script} MESSAGE plays it)`
    return [because("sieve", says, undefined, cause("FEATURE(sieve)", sieve.at))]
  }
  const procmail = feature(settings, "local_procmail")
  if (procmail === undefined) return []
  const rcfile = `${account.home}/.procmailrc`
  const ours = mailer(settings, "local")?.path === "[PROCMAIL]"
  const says = ours
    ? `/etc/procmailrc and ${rcfile} decide about each message, when they are there (waypost procmail run ${rcfile} MESSAGE plays them)`
    : `${mailer(settings, "local")?.path ?? "procmail"} is given each message, and asks ${rcfile}`
  return [because("procmail", says, undefined, cause("FEATURE(local_procmail)", procmail.at))]
}

function placed(template: string, { home, name }: Account): string {
  return template.replaceAll("%h", home).replaceAll("%u", name)
}
