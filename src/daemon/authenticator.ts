// Who may log in: sasldb, the users file, the machine's own accounts and Dovecot, in the order that AuthBackends names them. Each
// answer takes as long whether the login exists or not; a right password is remembered for a while as a keyed hash, so that clients
// that come every minute do not cost a slow hash each time.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import type { Agent } from "../agent/protocol.ts"
import { authenticationFailed, type Authenticator, type Logins } from "../auth/sasl.ts"
import { prepared, type ScramVerifier } from "../auth/scram.ts"
import { option, optionAt } from "../config/options.ts"
import { macro, type Settings } from "../config/settings.ts"
import type { PasswordFiles } from "../host/password-files.ts"
import { checkPassword, deriveVerifier, isHash, nobodysHash, verifierIn } from "../host/password-hash.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, later, no, type Origin, pass, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { askDovecot } from "../trust/dovecot-auth.ts"
import type { LoginThrottle } from "./login-throttle.ts"

export type AuthenticatorParts = {
  readonly settings: Settings
  readonly files: PasswordFiles
  readonly agent: Agent
  readonly throttle: LoginThrottle
}

/** The authenticator, and whether anybody could log in by it now. */
export type Logging = Authenticator & { anybody(): boolean }

/** Who knows passwords. */
export type Backend =
  | { readonly kind: "sasldb" }
  | { readonly kind: "users" }
  | { readonly kind: "system" }
  | { readonly kind: "dovecot"; readonly socket: string }

const busy = reply(454, "4.7.0", "Temporary authentication failure") // RFC 4954 §4

/** How long a right password is remembered, in milliseconds. */
const remembered = 300_000
const mostRemembered = 5000

/** Made once for each configuration. */
export function makeAuthenticator(parts: AuthenticatorParts): Logging {
  const { files, throttle, settings } = parts
  const backends = backendsOf(settings)
  const books = new Books(parts, backends)
  return {
    logins: (arrival) => loginsFor(arrival, books),
    mayTry: ({ client }) => {
      const often = throttle.tooOften(client?.address ?? "local")
      return often === undefined
        ? pass(because("AUTH", "it may try"))
        : later(busy, because("AUTH", `${often} failed logins from ${client?.address}: it must wait`))
    },
    tried: ({ client }, login, right) => throttle.tried(client?.address ?? "local", login, right),
    anybody: () =>
      backends.some(({ kind }) => {
        if (kind === "sasldb") return files.anySasl()
        return kind === "users" ? files.anyUser() : true
      }),
  }
}

/** confAUTH_BACKENDS: `sasldb users system dovecot=/run/dovecot/auth-client`. */
export function backendsOf(settings: Settings): readonly Backend[] {
  return option(settings, "AuthBackends")
    .split(/[\s,]+/)
    .flatMap((word): readonly Backend[] => {
      const [kind = "", socket] = word.split("=")
      if (kind === "dovecot") return [{ kind, socket: socket ?? "/run/dovecot/auth-client" }]
      return kind === "sasldb" || kind === "users" || kind === "system" ? [{ kind }] : []
    })
}

function loginsFor(arrival: Arrival, books: Books): Logins {
  return {
    password: (login, password) => books.password(login, password, arrival),
    verifier: (login) => books.verifier(login),
    secret: (login) => Promise.resolve(books.secret(login)),
    external: (wanted) => Promise.resolve(external(wanted, arrival, books.at)),
    nonce: () => randomBytes(18).toString("base64url"),
  }
}

/** EXTERNAL (RFC 4422, appendix A): the common name of a verified certificate is the login. */
function external(wanted: string, { tlsFacts }: Arrival, at: Origin | undefined): Decision<string> {
  const name = tlsFacts?.verify === "OK" ? tlsFacts.certificate?.cnSubject : undefined
  if (name === undefined || name === "")
    return no(authenticationFailed, because("AUTH", "no verified certificate says who it is", at))
  return wanted === "" || wanted === name
    ? yes(name, because("AUTH", `the certificate is ${name}'s`, at))
    : no(authenticationFailed, because("AUTH", `the certificate is ${name}'s, not ${wanted}'s`, at))
}

class Books {
  readonly at: Origin | undefined
  readonly #parts: AuthenticatorParts
  readonly #backends: readonly Backend[]
  readonly #realms: readonly string[]
  readonly #key = randomBytes(32)
  readonly #right = new Map<
    string,
    { readonly proof: Buffer; readonly until: number; readonly login: string }
  >()
  readonly #verifiers = new Map<string, ScramVerifier>()

  constructor(parts: AuthenticatorParts, backends: readonly Backend[]) {
    const { settings } = parts
    this.#parts = parts
    this.#backends = backends
    this.at = optionAt(settings, "AuthBackends") ?? optionAt(settings, "AuthMechanisms")
    const own = macro(settings, "j") ?? "localhost"
    this.#realms = [...new Set([option(settings, "AuthRealm") ?? own, own])]
  }

  async password(login: string, password: string, arrival: Arrival): Promise<Decision<string>> {
    const known = this.#remembers(login, password)
    if (known !== undefined) return yes(known, because("AUTH", "the password was right a while ago", this.at))
    let slow = false
    for (const backend of this.#backends) {
      const said = await this.#ask(backend, login, password, arrival)
      if (said.outcome === "later") return said
      if (said.outcome === "yes") {
        this.#remember(login, password, said.value)
        return said
      }
      if (said.outcome === "no") slow ||= backend.kind === "users"
    }
    if (!slow) await checkPassword(password, nobodysHash) // as long as if there were such a user
    return no(authenticationFailed, because("AUTH", `no backend knows ${login} by this password`, this.at))
  }

  #ask(
    backend: Backend,
    login: string,
    password: string,
    arrival: Arrival,
  ): Promise<Decision<string>> | Decision<string> {
    switch (backend.kind) {
      case "sasldb":
        return this.#bySasl(login, password)
      case "users":
        return this.#byUsers(login, password)
      case "system":
        return this.#bySystem(login, password)
      case "dovecot":
        return askDovecot(backend.socket, { login, password, arrival })
    }
  }

  #bySasl(login: string, password: string): Decision<string> {
    const secret = this.secret(login)
    if (secret.outcome !== "yes") return secret.outcome === "later" ? secret : pass(secret.reason)
    const right = same(this.#proof(secret.value), this.#proof(prepared(password)), this.#proof(password))
    return right ? yes(nameOf(login), secret.reason) : pass(secret.reason)
  }

  async #byUsers(login: string, password: string): Promise<Decision<string>> {
    const found = this.#parts.files.user(login)
    if (found.found === "unavailable") return later(busy, because("users", found.why, this.at))
    if (found.found === "nothing") return pass(because("users", `${login} is not in the users file`))
    const { name, hash, line } = found.entry
    const reason = because("users", `${name} is line ${line} of the users file`, this.at)
    // Who has no password is answered as who is not there: not at once.
    if (!isHash(hash)) return pass(reason)
    return (await checkPassword(password, hash)) ? yes(name, reason) : no(authenticationFailed, reason)
  }

  async #bySystem(login: string, password: string): Promise<Decision<string>> {
    const { answer } = await this.#parts.agent.ask({ verb: "login", login }, [Buffer.from(password, "utf8")])
    if (answer.outcome === "done")
      return yes(login, because("system", `${login} is an account here`, this.at))
    if (answer.outcome === "later") return later(busy, because("system", answer.text, this.at))
    return pass(because("system", "no such account, or another password"))
  }

  /** The password in sasldb; a login may name its realm. */
  secret(login: string): Decision<string> {
    const at = login.lastIndexOf("@")
    const { files } = this.#parts
    if (!this.#backends.some(({ kind }) => kind === "sasldb")) return notThere
    const plain = files.sasl(login, this.#realms)
    const found =
      plain.found !== "nothing" || at <= 0 ? plain : files.sasl(login.slice(0, at), [login.slice(at + 1)])
    if (found.found === "unavailable") return later(busy, because("sasldb", found.why, this.at))
    if (found.found === "nothing") return notThere
    return yes(found.entry.password, because("sasldb", `${login} is in sasldb`, this.at))
  }

  /** Keys for SCRAM: of sasldb's password, of the users file's hash, or of nobody. */
  async verifier(login: string): Promise<Decision<ScramVerifier>> {
    const secret = this.secret(login)
    if (secret.outcome === "later") return secret
    const user = this.#parts.files.user(login)
    if (user.found === "unavailable") return later(busy, because("users", user.why, this.at))
    const kept = user.found === "entry" ? verifierIn(user.entry.hash) : undefined
    // Nobody's keys are worked out for everybody, or who is quick would be known to be there.
    const password = secret.outcome === "yes" ? secret.value : this.#proof(`nobody ${login}`).toString("hex")
    const made = await this.#derived(login, password)
    if (secret.outcome !== "yes" && kept !== undefined)
      return yes(kept, because("users", `${login} is in the users file`, this.at))
    return yes(made, secret.reason)
  }

  async #derived(login: string, password: string): Promise<ScramVerifier> {
    const key = `${login} ${this.#proof(password).toString("base64")}`
    const known = this.#verifiers.get(key)
    if (known !== undefined) return known
    const made = await deriveVerifier(password, this.#proof(`salt ${login}`).subarray(0, 16))
    forgetSome(this.#verifiers)
    this.#verifiers.set(key, made)
    return made
  }

  #proof(text: string): Buffer {
    return createHmac("sha256", this.#key).update(text).digest()
  }

  #remembers(login: string, password: string): string | undefined {
    const known = this.#right.get(login)
    if (known === undefined) return undefined
    if (known.until > performance.now() && same(known.proof, this.#proof(password))) return known.login
    return undefined
  }

  #remember(login: string, password: string, as: string): void {
    forgetSome(this.#right)
    this.#right.set(login, { proof: this.#proof(password), until: performance.now() + remembered, login: as })
  }
}

const notThere: Decision<string> = no(authenticationFailed, because("sasldb", "the login is not in sasldb"))

/** The first against each of the others, in constant time. */
function same(one: Buffer, ...others: readonly Buffer[]): boolean {
  return others.map((other) => timingSafeEqual(one, other)).includes(true)
}

/** Without the realm that only says which file entry it is. */
function nameOf(login: string): string {
  const at = login.lastIndexOf("@")
  return at > 0 ? login.slice(0, at) : login
}

function forgetSome(book: Map<string, unknown>): void {
  if (book.size < mostRemembered) return
  const [oldest] = book.keys()
  if (oldest !== undefined) book.delete(oldest)
}
