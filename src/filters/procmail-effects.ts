// What the procmail interpreter asks of the world, one wish at a time, and what it is answered. The interpreter itself touches
// nothing: the shell fulfils its wishes, a dry run only writes them down.

/** A command: words for execvp(3), or a line for a shell. */
export type Command =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "shell"; readonly shell: string; readonly flags: string; readonly line: string }

export type RunWish = {
  readonly wish: "run"
  readonly command: Command
  readonly input: Buffer
  /** Its output is wanted: a filter, a variable, a backquote; else it goes where procmail's own goes. */
  readonly capture: boolean
  /** For what: dry runs word it. */
  readonly use: "filter" | "condition" | "variable" | "delivery" | "trap"
  /** The exit code is waited for; a program that is not waited for succeeds when it has taken its input. */
  readonly wait: boolean
  readonly directory: string
  readonly environment: ReadonlyMap<string, string>
  /** Seconds; 0: for ever. */
  readonly timeout: number
  readonly umask: number
  /** LOGFILE, which gets its error output; undefined: standard error. */
  readonly log: string | undefined
}

export type Wish =
  | RunWish
  | {
      readonly wish: "store"
      /** The first as it is written in the recipe; the others are directories that get a link to the same file. */
      readonly folders: readonly string[]
      readonly directory: string
      /** The octets as the recipe wants them, From_ line and all. */
      readonly message: Buffer
      /** Whether the message begins with its own beginning, so that a Maildir leaves the From_ line out. */
      readonly whole: boolean
      readonly raw: boolean
      readonly berkeley: boolean
      readonly prefix: string
      readonly umask: number
      /** A dot lock around it, as for DEFAULT. */
      readonly locked: boolean
    }
  /** The message to procmail's own output. */
  | { readonly wish: "print"; readonly message: Buffer }
  /** An rcfile. `strict`: the user's own, which nobody else may be able to write. */
  | { readonly wish: "read"; readonly path: string; readonly strict: boolean }
  | {
      readonly wish: "lock"
      readonly path: string
      readonly sleep: number
      readonly timeout: number
    }
  | { readonly wish: "unlock"; readonly path: string }
  /** May this directory be the current one? */
  | { readonly wish: "enter"; readonly path: string }
  /** `file` undefined: standard error. */
  | { readonly wish: "log"; readonly file: string | undefined; readonly text: string }

export type Answer =
  | { readonly answer: "ended"; readonly code: number; readonly output: Buffer; readonly wrote: boolean }
  | {
      readonly answer: "stored"
      readonly ok: boolean
      /** Where it went: the file of a directory folder, the mailbox itself; LASTFOLDER. */
      readonly folder: string
      readonly octets: number
      readonly why: string
      /** The same message in the other directories, by the names there. */
      readonly links?: readonly string[]
    }
  | { readonly answer: "text"; readonly text: string }
  | { readonly answer: "refused"; readonly why: string }
  | { readonly answer: "done" }

/** A computation that asks on its way. */
export type Steps<T> = Generator<Wish, T, Answer>

/** Runs a program. */
export function* run(wish: Omit<RunWish, "wish">): Steps<Extract<Answer, { answer: "ended" }>> {
  const answer = yield { wish: "run", ...wish }
  if (answer.answer !== "ended") throw new Error(`a program that was run answered "${answer.answer}"`)
  return answer
}
