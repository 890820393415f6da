// Reading a .forward file, an :include: list or a recipe with its owner's rights, if sendmail's rules of safety allow it.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs"
import { withRights } from "../host/posix.ts"
import { wordsFor } from "../mailbox/outcome.ts"
import type { Owner } from "../mailbox/owner.ts"
import { unsafeDirectories, unsafeToRead } from "../mailbox/safe.ts"
import type { AgentReply, ReadRequest } from "./protocol.ts"

const nothing = Buffer.alloc(0)

/** The text, or that there is no such file, or which rule it breaks. */
export function readUserFile(request: ReadRequest, owner: Owner): AgentReply {
  const { path, anyOwner = false, further = [] } = request
  if (!path.startsWith("/")) return unsafe("not an absolute path")
  try {
    return withRights(owner.rights, () => {
      // Most users have none, and asking first costs a tenth of the error that opening it would be.
      if (isMissing(path)) return further.every(isMissing) ? missing : furtherOnes
      return read(request, anyOwner ? undefined : owner.uid)
    })
  } catch (error) {
    return afterError(error, path)
  }
}

const safely = { outcome: "text" } as const
const missing: AgentReply = { answer: { outcome: "nothing" }, body: nothing }
const furtherOnes: AgentReply = { answer: { outcome: "nothing", further: "some are there" }, body: nothing }

function isMissing(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined
}

function read({ path, limit, bears = [] }: ReadRequest, owner: number | undefined): AgentReply {
  // O_NONBLOCK: a FIFO must not stop the agent.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const file = fstatSync(fd)
    const broken = [...unsafeToRead(file, owner), ...unsafeDirectories(path, owner)]
    const why = broken.find(({ rule }) => rule === undefined || !bears.includes(rule))
    if (why !== undefined) return unsafe(why.says)
    if (file.size > limit) return unsafe(`${file.size} octets, more than the ${limit} that are read`)
    const despite = broken.flatMap(({ rule }) => rule ?? [])
    const answer = despite.length === 0 ? safely : ({ outcome: "text", despite } as const)
    return { answer, body: contents(fd, file.size) }
  } finally {
    closeSync(fd)
  }
}

function contents(fd: number, size: number): Buffer {
  const octets = Buffer.alloc(size)
  let have = 0
  while (have < size) {
    const got = readSync(fd, octets, have, size - have, have)
    if (got === 0) break
    have += got
  }
  return octets.subarray(0, have)
}

function unsafe(text: string): AgentReply {
  return { answer: { outcome: "unsafe", text }, body: nothing }
}

// A file that is not there says nothing; one that cannot be read says something we do not know. What its owner himself may not
// read cannot be his wish (sendmail ignores it too, and says so); anything else may be better later.
function afterError(error: unknown, path: string): AgentReply {
  const { code } = error as NodeJS.ErrnoException
  if (code === "ENOENT" || code === "ENOTDIR") return missing // it went while we looked
  if (code === "ELOOP") return unsafe("a symbolic link")
  if (code === "EACCES") return unsafe("its user may not read it")
  return { answer: { outcome: "later", status: "4.3.0", text: `${path}: ${wordsFor(error)}` }, body: nothing }
}
