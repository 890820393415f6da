// Who has a mailbox here: the users file first, then /etc/passwd, then whatever nsswitch.conf names (LDAP, SSSD), asked through
// getent(1) in a process of its own. Files are kept in memory and read again when they change.
import { readFileSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Account, Accounts, Found } from "../mail/world.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { askGetent } from "./getent.ts"
import { onlyFiles } from "./groups.ts"
import { parsePasswdLine } from "./passwd.ts"
import { parseUsers } from "./users-file.ts"

export type AccountSources = {
  readonly passwd: string
  /** undefined: there is none. A file that is not there has no users. */
  readonly usersFile: string | undefined
  /** Mail is delivered with users' rights. Without, all is ours, and accounts have no uid of their own. */
  readonly asRoot: boolean
  /** Whose users of the users file without ids are: the mail system's user, which is who reads it unless it is said here. */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** Asks the other sources; by default getent(1), where nsswitch.conf has any. */
  readonly ask?: (name: string) => Promise<Found<Account>>
  /** A line of the users file that cannot be read is said once. */
  readonly log?: (line: string) => void
}

/** Looks a name up as it is written, then in lower case, as sendmail's finduser does. */
export function makeAccounts(sources: AccountSources): Accounts {
  const { passwd, usersFile, asRoot, log = () => {} } = sources
  const own = new AccountFile(passwd, (text) => readPasswd(text, passwd, asRoot))
  const extra =
    usersFile === undefined
      ? undefined
      : new AccountFile(usersFile, (text) =>
          readUsers(text, usersFile, { asRoot, log, owner: sources.owner ?? us() }),
        )
  const ask = sources.ask ?? (onlyFiles("passwd") ? undefined : askGetent)
  return {
    lookup(name) {
      const lower = name.toLowerCase()
      for (const file of extra === undefined ? [own] : [extra, own]) {
        const accounts = file.accounts()
        if (!accounts.ok) return { found: "unavailable", why: accounts.error }
        const entry = accounts.value.get(name) ?? accounts.value.get(lower)
        if (entry !== undefined) return { found: "entry", entry }
      }
      if (ask === undefined) return { found: "nothing" }
      return asRoot ? ask(name) : ask(name).then(withoutIds)
    },
  }
}

function withoutIds(found: Found<Account>): Found<Account> {
  return found.found === "entry"
    ? { found: "entry", entry: { ...found.entry, uid: undefined, gid: undefined } }
    : found
}

type ByName = ReadonlyMap<string, Account>

/** A file's change is noticed after at most so long. */
const lookAgainMilliseconds = 1000

/** A file of accounts in memory. */
class AccountFile {
  readonly #path: string
  readonly #read: (text: string) => ByName
  #lookedAt = Number.NEGATIVE_INFINITY
  #version = ""
  #accounts: Result<ByName> = ok(new Map())

  constructor(path: string, read: (text: string) => ByName) {
    this.#path = path
    this.#read = read
  }

  accounts(): Result<ByName> {
    const now = performance.now()
    if (now - this.#lookedAt < lookAgainMilliseconds) return this.#accounts
    this.#lookedAt = now
    const version = this.#versionNow()
    if (version !== this.#version) {
      this.#accounts = this.#load()
      this.#version = this.#accounts.ok ? version : ""
    }
    return this.#accounts
  }

  #versionNow(): string {
    const file = statSync(this.#path, { throwIfNoEntry: false, bigint: true })
    return file === undefined ? "none" : `${file.ino} ${file.mtimeNs} ${file.size}`
  }

  // A file that is not there is empty; one that cannot be read may hold anybody: cannot tell, which is never no.
  #load(): Result<ByName> {
    try {
      return ok(this.#read(readFileSync(this.#path, "utf8")))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      return code === "ENOENT" ? ok(new Map()) : fail(`${this.#path}: ${code ?? message}`)
    }
  }
}

function readPasswd(text: string, file: string, asRoot: boolean): ByName {
  const accounts = new Map<string, Account>()
  text.split("\n").forEach((line, i) => {
    const account = parsePasswdLine(line, { file, line: i + 1, column: 1 })
    if (account === undefined || accounts.has(account.name)) return
    accounts.set(account.name, asRoot ? account : { ...account, uid: undefined, gid: undefined })
  })
  return accounts
}

type Ids = { readonly uid: number | undefined; readonly gid: number | undefined }

function us(): Ids {
  return { uid: process.geteuid?.(), gid: process.getegid?.() }
}

type Reading = { readonly asRoot: boolean; readonly log: (line: string) => void; readonly owner: Ids }

function readUsers(text: string, file: string, { asRoot, log, owner }: Reading): ByName {
  const { users, issues } = parseUsers(text)
  for (const issue of issues) log(`${file}: ${issue}`)
  return new Map(
    users.map(({ name, home, uid, gid, gecos, line }) => [
      name,
      {
        name,
        uid: asRoot ? (uid ?? owner.uid) : undefined,
        gid: asRoot ? (gid ?? owner.gid) : undefined,
        home: home === "" ? join(dirname(file), "homes", name) : home,
        shell: "",
        gecos,
        at: { file, line, column: 1 },
      },
    ]),
  )
}
