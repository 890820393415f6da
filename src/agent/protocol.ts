// What the mail process may ask of the delivery agent, the only privileged part: a few verbs, and nothing that is parsed twice.
// Frames on a unix socket: 4 octets length of the JSON head (big-endian), 4 octets length of the body, head, body.
// Answers carry the number of the request and come in any order.
import type { EnhancedCode } from "../mail/reply.ts"
import type { BornRule } from "../mail/world.ts"

/** Whose rights are used. uid/gid undefined: the agent's own (no root). */
export type Identity = {
  readonly name: string
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly home: string
}

/** Into one mailbox. The body is the final message with LF line ends, Return-Path and all; mbox adds From_ and quotes. */
export type DeliverRequest = {
  readonly verb: "deliver"
  readonly owner: Identity
  readonly mailbox:
    | {
        readonly format: "mbox"
        readonly path: string
        /** A folder beside it instead: a file beneath the directory of the user's folders. */
        readonly folder?: { readonly directory: string; readonly name: string }
      }
    | {
        readonly format: "maildir"
        readonly path: string
        /** A folder of it, by the name behind its dot; where it is missing and not to be made, the Maildir itself is meant. */
        readonly folder?: { readonly name: string; readonly make: boolean }
        /** What it may hold: `10485760S,1000C`. Without: what its maildirsize says. */
        readonly quota?: string
        /** Flags that it has from the beginning, in Maildir's letters: "FS" (Sieve's imap4flags). */
        readonly flags?: string
        /** IMAP keywords that it has from the beginning: `$Work`. */
        readonly keywords?: readonly string[]
      }
  /** For the From_ line: the reverse-path without brackets, "MAILER-DAEMON" when null. */
  readonly sender: string
  /** Unix milliseconds for the From_ line. */
  readonly date: number
  /** Queue id and recipient number: the Maildir file's name comes from it, so a redelivery finds its own file. */
  readonly delivery: string
  /** An earlier attempt may have delivered it: a Maildir is searched for its file first, also where readers move it. */
  readonly repeat?: boolean
  /** Files of the owner that may say where his mail goes (.forward): beside any of them nothing is done, and the answer says so. */
  readonly unless?: readonly string[]
}

/** Whether the folder that a delivery would go to is there: `done` or `nothing`. */
export type FolderRequest = Pick<DeliverRequest, "owner" | "mailbox"> & { readonly verb: "folder" }

/** At the end of a file, in mbox form (aliases: /file). */
export type AppendRequest = Omit<DeliverRequest, "verb" | "mailbox" | "unless"> & {
  readonly verb: "append"
  readonly path: string
}

/** Into a program's standard input. `command` runs through /bin/sh -c as the owner. */
export type RunRequest = {
  readonly verb: "run"
  readonly owner: Identity
  readonly command: string
  readonly environment: Readonly<Record<string, string>>
  readonly directory: string
  readonly timeoutSeconds: number
  readonly outputLimit: number
  /** What reads the command, instead of /bin/sh: smrsh. */
  readonly shell?: string
  /** It can stay and take one message after the other: the command line of that form, and what it is told with this message. */
  readonly serve?: { readonly command: string; readonly arguments: readonly string[] }
  /** The program writes mailboxes itself: it has the group of this directory too, where that is who may make them. */
  readonly mailboxes?: string
}

/** .forward, :include: lists: read with the owner's rights; sendmail's safety rules are checked. */
export type ReadRequest = {
  readonly verb: "read"
  readonly owner: Identity
  readonly path: string
  readonly limit: number
  /** A list that somebody else may keep (:include:); without, the file must be the owner's or root's. */
  readonly anyOwner?: boolean
  /** Files that the owner may have instead: when this one is missing, the answer says whether any of them is there. */
  readonly further?: readonly string[]
  /** Rules of safety that it may break (confDONT_BLAME_SENDMAIL). */
  readonly bears?: readonly BornRule[]
}

/** The agent's own word on whether it is alive and may do its work. */
export type PingRequest = { readonly verb: "ping" }

/** Whether the body is the password of this account of the machine. */
export type LoginRequest = { readonly verb: "login"; readonly login: string }

export type AgentRequest =
  | PingRequest
  | LoginRequest
  | DeliverRequest
  | FolderRequest
  | AppendRequest
  | RunRequest
  | ReadRequest

/** `done` means durable. `status` and `text` are what the log and a bounce say. */
export type AgentAnswer =
  | { readonly outcome: "done"; readonly status: EnhancedCode; readonly text: string }
  | {
      readonly outcome: "later" | "failed"
      readonly status: EnhancedCode
      readonly text: string
      /** Only for `deliver`: one of the files of `unless` is there, or that cannot be told, and nothing was done. */
      readonly forwards?: true
    }
  /** Only for `read`; the text is the answer's body. */
  | { readonly outcome: "text"; readonly despite?: readonly BornRule[] }
  /** Only for `read` and `folder`. */
  | { readonly outcome: "nothing"; readonly further?: "some are there" }
  | { readonly outcome: "unsafe"; readonly text: string }

/** What an answer frame's head is. */
export type AnswerHead = { readonly number: number; readonly answer: AgentAnswer }

/**
 * What a request frame's head is. With `pieces`, the body follows in frames of their own with an empty head, the last of them
 * with an empty body too; such a request has its connection for itself, so that a slow mailbox holds up nobody else.
 */
export type RequestHead = {
  readonly number: number
  readonly request: AgentRequest
  readonly pieces?: boolean
}

/** Octets of the two lengths before each frame. */
export const frameStart = 8
/** A frame larger than this is not ours: heads and pieces are small, and large bodies come by piece. */
export const largestFrame = 4 * 1024 * 1024

export type AgentReply = { readonly answer: AgentAnswer; readonly body: Buffer }

/** The agent as the mail process sees it. */
export type Agent = {
  /** Never rejects: an agent that is not there is an answer, `later` 4.3.0. */
  ask(request: AgentRequest, body: readonly Buffer[]): Promise<AgentReply>
  /** The same with a body that is too large for memory, on a connection of its own. */
  askWithPieces(request: AgentRequest, body: AsyncIterable<Buffer>): Promise<AgentReply>
  close(): void
}
