// `waypost read`: the full-screen reader.
import { userInfo } from "node:os"
import { isAbsolute, join } from "node:path"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"

const usage: Usage = {
  name: "waypost read",
  operands: "[FOLDER]",
  mostOperands: 1,
  about: "Reads mail on the whole screen: FOLDER (mbox or Maildir), else your mailbox. ? lists the keys.",
  options: { state: stateOption },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  if (
    !("isTTY" in io.stdin && io.stdin.isTTY === true) ||
    !("isTTY" in io.stdout && io.stdout.isTTY === true)
  ) {
    return refuse(io, "waypost read needs a terminal; mail(1) works without one", exits.usage)
  }
  const [{ App }, { takeKey }, { openMailbox }, { MailboxError }] = await Promise.all([
    import("../mua/read/app.ts"),
    import("../mua/read/actions.ts"),
    import("../mua/open.ts"),
    import("../mua/mailbox.ts"),
  ])
  try {
    const mailbox = await openMailbox(await pathOf(given.operands[0], io))
    await new App(io, mailbox, takeKey).run()
    return exits.ok
  } catch (error) {
    if (error instanceof MailboxError) throw new Refusal(error.message, exits.noInput)
    throw error
  }
}

async function pathOf(folder: string | undefined, io: Io): Promise<string> {
  if (folder !== undefined) return isAbsolute(folder) ? folder : join(io.cwd, folder)
  const { systemMailbox } = await import("../mua/mail/place.ts")
  const { startValues } = await import("../mua/mail/variables.ts")
  const wanted = startValues(io.env)
  const user = userInfo().username
  wanted.variables.set("user", user)
  return systemMailbox(io, user, wanted)
}
