// The two small files of the console: who its administrators are (STATE/admins, `name:secret of the authenticator`), and which programs
// may use its API (STATE/tokens, `name:hash:rights:made at`). Lines that are no such thing are left out, never guessed at.
import { chmodSync, chownSync, existsSync, readFileSync, statSync } from "node:fs"
import { replaceFile } from "../host/replace.ts"
import { fail, ok, type Result } from "../mail/result.ts"

export type Admin = {
  readonly name: string
  /** Base 32; empty: the password is enough. */
  readonly secret: string
}

export type Token = {
  readonly name: string
  readonly hash: string
  readonly rights: "read" | "write"
  readonly createdAt: string
}

export function parseAdmins(text: string): readonly Admin[] {
  return text.split("\n").flatMap((line) => {
    const [, name, secret] = /^([a-z0-9_][a-z0-9_.-]{0,63}):([A-Z2-7]*)$/.exec(line) ?? []
    return name === undefined || secret === undefined ? [] : [{ name, secret }]
  })
}

export function printAdmins(admins: readonly Admin[]): string {
  return admins.map(({ name, secret }) => `${name}:${secret}\n`).join("")
}

export function parseTokens(text: string): readonly Token[] {
  return text.split("\n").flatMap((line) => {
    const [, name, hash, rights, createdAt] =
      /^([A-Za-z0-9_.-]{1,64}):([0-9a-f]{64}):(read|write):(\S+)$/.exec(line) ?? []
    if (name === undefined || hash === undefined || createdAt === undefined) return []
    return [{ name, hash, rights: rights === "write" ? "write" : "read", createdAt }]
  })
}

export function printTokens(tokens: readonly Token[]): string {
  return tokens
    .map(({ name, hash, rights, createdAt }) => `${name}:${hash}:${rights}:${createdAt}\n`)
    .join("")
}

/** The text of one of them; a file that is not there is empty. */
export function readList(file: string): Result<string> {
  try {
    return ok(readFileSync(file, "utf8"))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === "ENOENT" ? ok("") : fail(`${file}: ${message}`)
  }
}

/** Writes one of them: for root and the mail system's group alone, or for its one user alone. */
export function writeList(file: string, text: string, group: number | undefined): Result<void> {
  const fresh = !existsSync(file)
  const written = replaceFile(file, [Buffer.from(text)])
  if (!written.ok || !fresh) return written
  chmodSync(file, group === undefined ? 0o600 : 0o640)
  if (group !== undefined) chownSync(file, 0, group)
  return ok(undefined)
}

/** One of them, read again when it has changed. */
export class Watched<T> {
  readonly #file: string
  readonly #parse: (text: string) => readonly T[]
  #version = ""
  #content: readonly T[] = []

  constructor(file: string, parse: (text: string) => readonly T[]) {
    this.#file = file
    this.#parse = parse
  }

  /** What it says now; a file that cannot be read lets nobody in. */
  get content(): readonly T[] {
    const stat = statSync(this.#file, { throwIfNoEntry: false, bigint: true })
    const version = stat === undefined ? "none" : `${stat.ino} ${stat.mtimeNs} ${stat.size}`
    if (version === this.#version) return this.#content
    const text = readList(this.#file)
    this.#content = text.ok ? this.#parse(text.value) : []
    this.#version = text.ok ? version : ""
    return this.#content
  }
}
