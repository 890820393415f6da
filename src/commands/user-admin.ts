// `waypost user admin` and `no-admin`: who of the users file may log in to the console, with the second factor of an authenticator app.
import { hostname } from "node:os"
import { parseAdmins, printAdmins, readList, writeList } from "../console/lists.ts"
import { newSecret, secretUrl } from "../console/totp.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"
import { findMailUser } from "./mail-user.ts"

export type AdminChange = {
  readonly action: "admin" | "no-admin"
  readonly name: string
  /** Without a second factor. */
  readonly passwordOnly: boolean
}

/** Makes one an administrator and prints what the app needs, or takes it back. */
export function changeAdmin(file: string, { action, name, passwordOnly }: AdminChange, io: Io): number {
  const text = readList(file)
  if (!text.ok) return refuse(io, `waypost user ${action}: ${text.error}`, exits.noPermission)
  const others = parseAdmins(text.value).filter((admin) => admin.name !== name)
  const secret = passwordOnly ? "" : newSecret()
  const admins = action === "admin" ? [...others, { name, secret }] : others
  const group = process.getuid?.() === 0 ? findMailUser()?.gid : undefined
  const written = writeList(file, printAdmins(admins), group)
  if (!written.ok) throw new Refusal(written.error, exits.cannotCreate)
  io.stdout.write(action === "admin" ? made(name, secret) : `${name} is no administrator any more\n`)
  return exits.ok
}

function made(name: string, secret: string): string {
  const first = `${name} is an administrator of the console now\n`
  if (secret === "") return first
  return `${first}For an authenticator app, shown this once:\n  ${secret}\n  ${secretUrl(secret, name, hostname())}\n`
}
