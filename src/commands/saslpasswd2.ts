// saslpasswd2: sets the password of a login for SMTP AUTH, as Cyrus SASL's command of that name does.
import { chownSync, closeSync, openSync, readFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { reasonOf, replaceFile, statOf } from "../host/replace.ts"
import { badSaslName, parseSaslUsers, withoutSaslUser, withSaslUser } from "../host/sasl-file.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"
import { findMailUser } from "./mail-user.ts"
import { askPassword } from "./password.ts"
import { runningState } from "./state.ts"

const usage = `Usage: saslpasswd2 [-p] [-c] [-d] [-u REALM] [-f FILE] [--state DIR] LOGIN
Sets the password of a login for SMTP AUTH.

  -p           the password comes on standard input, to its end or to the end of the line
  -c           make the login if it is not there
  -d           remove the login
  -u REALM     its realm (else this host's name)
  -f FILE      this file instead of the mail system's
  --state DIR  the state directory (else $WAYPOST_STATE, ./var of the checkout, /var/lib/waypost)

-a NAME and -n are taken and change nothing.
`

type Wish = {
  pipe: boolean
  create: boolean
  remove: boolean
  realm: string
  file: string | undefined
  state: string | undefined
  readonly logins: string[]
}

/** Runs saslpasswd2. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes("--help")) {
    io.stdout.write(usage)
    return exits.ok
  }
  const wish = readWish(argv)
  if (typeof wish === "string") return refuse(io, `saslpasswd2: ${wish}; see saslpasswd2 --help`, exits.usage)
  const [login = ""] = wish.logins
  const who = { login, realm: wish.realm }
  const file = wish.file ?? join(runningState(wish.state, io), "sasldb")
  const text = readText(file)
  const there = parseSaslUsers(text).some((one) => one.login === login && one.realm === wish.realm)
  if (!there && !wish.create)
    return refuse(io, `saslpasswd2: there is no ${login} of ${wish.realm}; -c makes it`, exits.noUser)
  if (wish.remove) return write(file, withoutSaslUser(text, who))
  const password = wish.pipe ? await piped(io) : await askPassword(login, io.stdin, io.stderr)
  if (password === "")
    return refuse(io, "saslpasswd2: the password is empty; nothing was changed", exits.usage)
  return write(file, withSaslUser(text, { ...who, password }))
}

function readWish(argv: readonly string[]): Wish | string {
  const wish: Wish = {
    pipe: false,
    create: false,
    remove: false,
    realm: hostname(),
    file: undefined,
    state: undefined,
    logins: [],
  }
  for (let n = 0; n < argv.length; n++) {
    const word = argv[n] ?? ""
    if (word === "--state") wish.state = argv[++n] ?? ""
    else if (!word.startsWith("-") || word === "-") wish.logins.push(word)
    else {
      const used = readLetters(wish, word.slice(1), argv[n + 1])
      if (typeof used === "string") return used
      n += used
    }
  }
  const [login, extra] = wish.logins
  if (login === undefined || extra !== undefined) return "one login is to be named"
  return badSaslName(login) ?? badSaslName(wish.realm) ?? wish
}

/** The letters of one word; the result is how many of the next words were used. */
function readLetters(wish: Wish, letters: string, next: string | undefined): number | string {
  for (let n = 0; n < letters.length; n++) {
    const letter = letters.charAt(n)
    if (letter === "p") wish.pipe = true
    else if (letter === "c") wish.create = true
    else if (letter === "d") wish.remove = true
    else if ("ufa".includes(letter)) {
      const rest = letters.slice(n + 1)
      const value = rest === "" ? next : rest
      if (value === undefined) return `-${letter} needs a value`
      if (letter === "u") wish.realm = value
      if (letter === "f") wish.file = value
      return rest === "" ? 1 : 0
    } else if (letter !== "n") return `unknown option -${letter}`
  }
  return 0
}

function readText(file: string): string {
  try {
    return statOf(file) === undefined ? "" : readFileSync(file, "utf8")
  } catch (error) {
    throw new Refusal(`${file}: ${reasonOf(error)}`, exits.noPermission)
  }
}

async function piped(io: Io): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of io.stdin) pieces.push(Buffer.from(piece))
  return (
    Buffer.concat(pieces)
      .toString("utf8")
      .split(/[\r\n]/, 1)[0] ?? ""
  )
}

/** Only the mail system reads it: its user where root made it, else whoever runs it. */
function write(file: string, text: string): number {
  if (statOf(file) === undefined) makeClosed(file)
  const written = replaceFile(file, [Buffer.from(text)]) // with the rights of the file that is there
  if (!written.ok) throw new Refusal(written.error, exits.cannotCreate)
  return exits.ok
}

function makeClosed(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600))
    const user = process.getuid?.() === 0 ? findMailUser() : undefined
    if (user !== undefined) chownSync(file, user.uid, user.gid)
  } catch (error) {
    throw new Refusal(`${file}: ${reasonOf(error)}`, exits.cannotCreate)
  }
}
