// The two files that hold passwords, in memory and read again when they change: the users file (hashes) and sasldb (passwords as
// saslpasswd2 keeps them). A file that cannot be read may hold anybody: cannot tell.
import { readFileSync, statSync } from "node:fs"
import type { Found } from "../mail/world.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { parseSaslUsers } from "./sasl-file.ts"
import { type FileUser, parseUsers } from "./users-file.ts"

/** A login of sasldb, and its password. */
export type SaslLogin = { readonly login: string; readonly password: string }

export type PasswordFiles = {
  user(login: string): Found<FileUser>
  /** By login and realm, the first realm that has it. */
  sasl(login: string, realms: readonly string[]): Found<SaslLogin>
  /** Whether anybody has a password: else AUTH is not worth offering. */
  anyUser(): boolean
  anySasl(): boolean
}

/** A file's change is noticed after at most so long. */
const lookAgainMilliseconds = 1000

/** Opens them; either may be missing, now or later. */
export function openPasswordFiles(usersFile: string, saslFile: string): PasswordFiles {
  const users = new Watched(usersFile, (text) => {
    const able = parseUsers(text).users.filter(({ hash }) => hash !== "")
    return new Map(able.map((user) => [user.name, user]))
  })
  const sasl = new Watched(saslFile, (text) => {
    return new Map(parseSaslUsers(text).map((user) => [`${user.login}\t${user.realm.toLowerCase()}`, user]))
  })
  return {
    user: (login) => found(users.content(), [login, login.toLowerCase()]),
    sasl: (login, realms) =>
      found(
        sasl.content(),
        realms.map((realm) => `${login}\t${realm.toLowerCase()}`),
      ),
    anyUser: () => isInhabited(users.content()),
    anySasl: () => isInhabited(sasl.content()),
  }
}

function found<T>(content: Result<ReadonlyMap<string, T>>, keys: readonly string[]): Found<T> {
  if (!content.ok) return { found: "unavailable", why: content.error }
  for (const key of keys) {
    const entry = content.value.get(key)
    if (entry !== undefined) return { found: "entry", entry }
  }
  return { found: "nothing" }
}

/** A file that cannot be read may hold somebody. */
function isInhabited(content: Result<ReadonlyMap<string, unknown>>): boolean {
  return !content.ok || content.value.size > 0
}

class Watched<T> {
  readonly #path: string
  readonly #parse: (text: string) => T
  #lookedAt = Number.NEGATIVE_INFINITY
  #version = "?"
  #content: Result<T>

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path
    this.#parse = parse
    this.#content = ok(parse(""))
  }

  content(): Result<T> {
    const now = performance.now()
    if (now - this.#lookedAt < lookAgainMilliseconds) return this.#content
    this.#lookedAt = now
    const file = statSync(this.#path, { throwIfNoEntry: false, bigint: true })
    const version = file === undefined ? "none" : `${file.ino} ${file.mtimeNs} ${file.size}`
    if (version === this.#version) return this.#content
    this.#content = this.#load()
    this.#version = this.#content.ok ? version : "?"
    return this.#content
  }

  #load(): Result<T> {
    try {
      return ok(this.#parse(readFileSync(this.#path, "utf8")))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      return code === "ENOENT" ? ok(this.#parse("")) : fail(`${this.#path}: ${code ?? message}`)
    }
  }
}
