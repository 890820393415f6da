// Who may in, and with what: passwords and codes of administrators, tokens of programs. Whoever guesses is slowed by address and by
// account, and learns nothing about which of the three was wrong.
import { LoginThrottle } from "../daemon/login-throttle.ts"
import type { Layout } from "../daemon/layout.ts"
import { checkPassword, nobodysHash } from "../host/password-hash.ts"
import { openPasswordFiles, type PasswordFiles } from "../host/password-files.ts"
import type { Clock } from "../mail/world.ts"
import type { Login } from "./api.ts"
import { Refused } from "./asking.ts"
import { type Admin, parseAdmins, parseTokens, type Token, Watched } from "./lists.ts"
import { hashed, type Opened, type Person, Sessions } from "./sessions.ts"
import { stepOfCode } from "./totp.ts"

/** Passwords that are checked at the same time. */
const mostAtOnce = 8

export class Doorkeeper {
  readonly sessions: Sessions
  readonly #clock: Clock
  readonly #passwords: PasswordFiles
  readonly #throttle: LoginThrottle
  readonly #admins: Watched<Admin>
  readonly #tokens: Watched<Token>
  readonly #lastStep = new Map<string, number>()
  #checking = 0

  constructor(layout: Layout, clock: Clock, throttle = new LoginThrottle(clock)) {
    this.sessions = new Sessions(clock)
    this.#clock = clock
    this.#throttle = throttle
    this.#passwords = openPasswordFiles(layout.usersFile, layout.saslFile)
    this.#admins = new Watched(layout.admins, parseAdmins)
    this.#tokens = new Watched(layout.tokens, parseTokens)
  }

  /** Whether anybody could log in with a password. */
  get hasAdministrator(): boolean {
    return this.#admins.content.some(({ name }) => this.#passwords.user(name).found === "entry")
  }

  /** A session, or a Refused. */
  async login({ name, password, totp }: Login, address: string): Promise<Opened> {
    if (this.#throttle.tooOften(address) !== undefined)
      throw new Refused(429, "too many wrong passwords from this address", "try again in ten minutes")
    const found = this.#passwords.user(name)
    if (found.found === "unavailable") throw new Refused(503, "the users file cannot be read now")
    const hash = found.found === "entry" ? found.entry.hash : nobodysHash
    const known = (await this.#check(password, hash)) && found.found === "entry"
    const admin = this.#admins.content.find((one) => one.name === name)
    const right = known && (admin === undefined || this.#codeIsRight(admin, totp ?? ""))
    await this.#throttle.tried(address, name, right)
    if (!right) throw new Refused(401, "name, password or code is wrong")
    if (admin === undefined)
      throw new Refused(403, `${name} is no administrator`, `waypost user admin ${name} makes it one`)
    return this.sessions.open(name)
  }

  /** A password costs much to check, on purpose: anybody may ask for it, so only a few are checked at once. */
  async #check(password: string, hash: string): Promise<boolean> {
    if (this.#checking >= mostAtOnce)
      throw new Refused(429, "too many logins at once", "try again in a moment")
    this.#checking++
    try {
      return await checkPassword(password, hash)
    } finally {
      this.#checking--
    }
  }

  #codeIsRight({ name, secret }: Admin, code: string): boolean {
    if (secret === "") return true
    const step = stepOfCode(secret, code, { now: this.#clock(), after: this.#lastStep.get(name) ?? -1 })
    if (step === undefined) return false
    this.#lastStep.set(name, step)
    return true
  }

  /** Whose token this is. */
  token(secret: string): Person | undefined {
    const hash = hashed(secret)
    const token = this.#tokens.content.find((one) => one.hash === hash)
    return token && { user: `token ${token.name}`, rights: token.rights, csrf: undefined }
  }

  get tokens(): readonly Omit<Token, "hash">[] {
    return this.#tokens.content.map(({ name, rights, createdAt }) => ({ name, rights, createdAt }))
  }
}
