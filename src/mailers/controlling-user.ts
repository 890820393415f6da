// With whose rights programs and files of aliases are used: the user whose .forward named them, else DefaultUser; never root.
import { option } from "../config/options.ts"
import type { Account } from "../mail/world.ts"
import type { RoutedPending } from "../queue/plan.ts"
import { type Ending, type FinalWorld, findAccount } from "./delivery.ts"

export type UserFound = { readonly account: Account } | { readonly ending: Ending }

/** The account, or why the recipient cannot be served. */
export async function controllingUser(
  pending: RoutedPending,
  { settings, accounts }: FinalWorld,
): Promise<UserFound> {
  const user = pending.expandedFrom?.user
  if (user === undefined) return defaultUser(option(settings, "DefaultUser"), accounts)
  const found = await findAccount(accounts, user)
  // sendmail: root's own .forward runs as the default user
  return "account" in found && found.account.uid === 0
    ? defaultUser(option(settings, "DefaultUser"), accounts)
    : found
}

/** `8:8`, `mailnull`, `mail:mail`: numbers, or names of accounts. */
async function defaultUser(text: string, accounts: FinalWorld["accounts"]): Promise<UserFound> {
  const [user = "", group = user] = text.split(/[:.]/)
  if (!/^\d+$/.test(user)) return findAccount(accounts, user)
  if (!/^\d+$/.test(group)) {
    return {
      ending: {
        outcome: "later",
        status: "4.3.5",
        text: `DefaultUser "${text}" needs a number for the group`,
      },
    }
  }
  const ids = { uid: Number(user), gid: Number(group) }
  return { account: { name: `uid ${user}`, ...ids, home: "/", shell: "", gecos: "", at: undefined } }
}
