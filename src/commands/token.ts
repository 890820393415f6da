// `waypost token`: secrets by which programs use the console's HTTP API. Only the hash is kept, so a token is shown once.
import { randomBytes } from "node:crypto"
import { hashed } from "../console/sessions.ts"
import { parseTokens, printTokens, readList, type Token, writeList } from "../console/lists.ts"
import { layoutOf } from "../daemon/layout.ts"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"
import { findMailUser } from "./mail-user.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost token",
  operands: "new|list|remove [NAME]",
  mostOperands: 2,
  about:
    "Tokens of programs that use the console's HTTP API: Authorization: Bearer TOKEN. A new one is shown once.",
  options: {
    write: { says: "new: it may also change the queue and the configuration" },
    json: { says: "list: an object a line" },
    state: stateOption,
  },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [action, name] = given.operands
  const file = layoutOf(runningState(given.text("state"), io)).tokens
  const text = readList(file)
  if (!text.ok) return refuse(io, `waypost token: ${text.error}`, exits.noPermission)
  const tokens = parseTokens(text.value)
  if (action === "list") return list(tokens, given.has("json"), io)
  if (action !== "new" && action !== "remove")
    return refuse(io, "waypost token: new, list or remove; see waypost token --help", exits.usage)
  if (name === undefined || !/^[A-Za-z0-9_.-]{1,64}$/.test(name))
    return refuse(io, `waypost token ${action}: which name? Letters, digits, and . _ -`, exits.usage)
  const known = tokens.some((token) => token.name === name)
  if (action === "remove") {
    if (!known) return refuse(io, `waypost token remove: there is no ${name}`, exits.noUser)
    write(
      file,
      tokens.filter((token) => token.name !== name),
    )
    io.stdout.write(`removed ${name}\n`)
    return exits.ok
  }
  if (known) return refuse(io, `waypost token new: ${name} is there already; remove it first`, exits.usage)
  const secret = randomBytes(32).toString("base64url")
  const rights = given.has("write") ? "write" : "read"
  write(file, [...tokens, { name, hash: hashed(secret), rights, createdAt: new Date().toISOString() }])
  io.stdout.write(`${secret}\n`)
  return exits.ok
}

function list(tokens: readonly Token[], json: boolean, io: Io): number {
  for (const { name, rights, createdAt } of tokens)
    io.stdout.write(
      json ? `${JSON.stringify({ name, rights, createdAt })}\n` : `${name}\t${rights}\t${createdAt}\n`,
    )
  return exits.ok
}

function write(file: string, tokens: readonly Token[]): void {
  const group = process.getuid?.() === 0 ? findMailUser()?.gid : undefined
  const written = writeList(file, printTokens(tokens), group)
  if (!written.ok) throw new Refusal(written.error, exits.cannotCreate)
}
