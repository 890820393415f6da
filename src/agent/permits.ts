// What the agent lets itself be asked for, as root: the identities must be those of accounts, mailboxes must lie where the
// configuration has them. The mail process reads what strangers send; were it captured, it would still be no more than this.
import { makeAccounts } from "../host/accounts.ts"
import { mailboxPath } from "../mailbox/place.ts"
import type { Account, Accounts, Found } from "../mail/world.ts"
import type { AgentRequest, DeliverRequest, Identity } from "./protocol.ts"

/** From the supervisor, which has read the configuration as root. */
export type Permits = {
  readonly mailboxes: readonly { readonly format: "mbox" | "maildir"; readonly template: string }[]
  /** Where users with an mbox have their folders: `%h/mail`. */
  readonly folders: string
  /** The directory of mailboxes: its group is given to programs that write there. */
  readonly directory: string | undefined
  /** DefaultUser as numbers, `8:12`; or a name, which is an account's. */
  readonly defaultUser: string
  readonly usersFile: string
  /** Whose the mail of the users file is, where it names no ids. */
  readonly mailUser: { readonly uid: number; readonly gid: number }
}

/** Judges requests. Undefined: it may be served; else why not. `unknown`: that cannot be told now. */
export type Judge = {
  readonly identity: (identity: Identity) => Promise<Refusal | undefined>
  readonly request: (request: AgentRequest) => string | undefined
}

export type Refusal = { readonly kind: "refused" | "unknown"; readonly why: string }

/** Who reads lists that are nobody's in particular: mailers/user-file.ts asks so. */
const reader: Identity = { name: "nobody", uid: 65_534, gid: 65_534, home: "/" }

/** A judge of these permits. */
export function makeJudge(permits: Permits, accounts: Accounts = accountsOf(permits)): Judge {
  return {
    async identity(identity) {
      if (isSame(identity, reader) || isDefaultUser(identity, permits.defaultUser)) return undefined
      return identityRefusal(identity, await accounts.lookup(identity.name))
    },
    request(request) {
      if (request.verb === "deliver" || request.verb === "folder") return placeRefusal(request, permits)
      if (request.verb !== "run" || request.mailboxes === undefined) return undefined
      return request.mailboxes === permits.directory
        ? undefined
        : `${request.mailboxes} is not the directory of mailboxes`
    },
  }
}

function accountsOf({ usersFile, mailUser }: Permits): Accounts {
  return makeAccounts({ passwd: "/etc/passwd", usersFile, asRoot: true, owner: mailUser })
}

function isSame(one: Identity, other: Identity): boolean {
  return one.name === other.name && one.uid === other.uid && one.gid === other.gid && one.home === other.home
}

/** Numbers without an account: mailers/controlling-user.ts calls them so. */
function isDefaultUser({ name, uid, gid }: Identity, text: string): boolean {
  const [user = "", group = user] = text.split(/[:.]/)
  return name === `uid ${user}` && String(uid) === user && String(gid) === group
}

function identityRefusal(identity: Identity, found: Found<Account>): Refusal | undefined {
  const { name, uid, gid, home } = identity
  if (found.found === "unavailable")
    return { kind: "unknown", why: `the accounts do not answer: ${found.why}` }
  const entry = found.found === "entry" ? found.entry : undefined
  if (entry?.uid === uid && entry?.gid === gid && entry?.home === home) return undefined
  return { kind: "refused", why: `no account ${name} has uid ${uid}, gid ${gid} and the home ${home}` }
}

function placeRefusal(
  { owner, mailbox }: Pick<DeliverRequest, "owner" | "mailbox">,
  { mailboxes, folders }: Permits,
): string | undefined {
  const isThere = mailboxes.some(
    ({ format, template }) => format === mailbox.format && mailboxPath(template, owner) === mailbox.path,
  )
  if (!isThere) return `${mailbox.path} is no mailbox of ${owner.name} by the configuration`
  const directory = mailbox.format === "mbox" ? mailbox.folder?.directory : undefined
  return directory === undefined || directory === mailboxPath(folders, owner)
    ? undefined
    : `${directory} is not where ${owner.name} has folders by the configuration`
}
