// What the reader shows, as a value: the list as it is ordered and limited, the cursor, what is typed, what is open. Pure; the
// screen is drawn from it, keys make the next one.
import { matches, parseQuery, type Query } from "../search.ts"
import type { Flags, Listed } from "../summary.ts"
import { type Threaded, thread } from "../threads.ts"

/** A field at the bottom that letters go into. */
export type Field = {
  readonly label: string
  readonly text: string
  readonly purpose: "limit" | "search" | "command" | "answer"
}

/** A text that covers the list: a message, its raw form, a report, help. */
export type Sheet = {
  readonly title: string
  /** As wide as it came: wrapped when it is drawn. */
  readonly text: string
  readonly top: number
  /** The message it shows; undefined for help. */
  readonly key: string | undefined
  readonly kind: "message" | "header" | "raw" | "report" | "help"
}

export type Row = {
  readonly listed: Listed
  readonly branch: string
  readonly count: number
  readonly root: string
}

/** What was done and not yet written. */
export type Done = ReadonlyMap<string, Flags>

export type State = {
  readonly path: string
  readonly messages: readonly Listed[]
  readonly rows: readonly Row[]
  readonly cursor: number
  readonly top: number
  readonly threads: boolean
  readonly collapsed: ReadonlySet<string>
  readonly limit: string
  /** Whose texts have the words of a limit's `body:`, once they were searched for. */
  readonly texts: { readonly limit: string; readonly keys: ReadonlySet<string> } | undefined
  readonly lastSearch: string
  readonly tagged: ReadonlySet<string>
  readonly done: Done
  /** What `z` goes back to, the newest last. */
  readonly undo: readonly Done[]
  readonly field: Field | undefined
  readonly sheet: Sheet | undefined
  /** The message that a report was opened over. */
  readonly behind: Sheet | undefined
  readonly note: string
  readonly now: number
}

export function startState(path: string, messages: readonly Listed[], now: number): State {
  const state: State = {
    path,
    messages,
    rows: [],
    cursor: 0,
    top: 0,
    threads: true,
    collapsed: new Set(),
    limit: "",
    texts: undefined,
    lastSearch: "",
    tagged: new Set(),
    done: new Map(),
    undo: [],
    field: undefined,
    sheet: undefined,
    behind: undefined,
    note: messages.length === 0 ? "No mail" : "? lists the keys",
    now,
  }
  const listed = arranged(state)
  const firstNew = listed.rows.findIndex(({ listed: { flags } }) => !flags.seen)
  return { ...listed, cursor: firstNew >= 0 ? firstNew : Math.max(0, listed.rows.length - 1) }
}

/** The rows anew, with the cursor on the message it was on, or where that was. */
export function arranged(state: State): State {
  const under = state.rows[state.cursor]?.listed.key
  const query = parseQuery(state.limit, state.now)
  const texts = query.body.length > 0 && state.texts?.limit === state.limit ? state.texts.keys : undefined
  const chosen = state.messages
    .map((one) => withDone(one, state.done))
    .filter((one) => matches(one, query) && (texts === undefined || texts.has(one.key)))
  const rows = state.threads ? threadRows(chosen, state.collapsed) : flatRows(chosen)
  const again = under === undefined ? -1 : rows.findIndex(({ listed }) => listed.key === under)
  const cursor = again >= 0 ? again : Math.max(0, Math.min(state.cursor, rows.length - 1))
  return { ...state, rows, cursor }
}

/** The message with the flags it will have. */
export function withDone(listed: Listed, done: Done): Listed {
  const flags = done.get(listed.key)
  return flags === undefined ? listed : { ...listed, flags }
}

function flatRows(messages: readonly Listed[]): Row[] {
  return messages
    .toSorted((a, b) => a.received - b.received)
    .map((listed) => ({ listed, branch: "", count: 0, root: listed.key }))
}

function threadRows(messages: readonly Listed[], collapsed: ReadonlySet<string>): Row[] {
  return thread(messages)
    .filter((line: Threaded) => line.count > 0 || !collapsed.has(line.root))
    .map(({ listed, branch, count, root }) => ({ listed, branch, count, root }))
}

/** Does something to messages, so that `z` can take it back. */
export function marked(state: State, keys: readonly string[], change: (flags: Flags) => Flags): State {
  const done = new Map(state.done)
  for (const key of keys) {
    const listed = state.messages.find((one) => one.key === key)
    if (listed !== undefined) done.set(key, change(done.get(key) ?? listed.flags))
  }
  return arranged({ ...state, done, undo: [...state.undo.slice(-99), state.done] })
}

/** What is open closes: a report to its message, a message to the list. */
export function closed(state: State): State {
  return { ...state, sheet: state.behind, behind: undefined, note: "" }
}

/** Takes the last thing back. */
export function undone(state: State): State {
  const before = state.undo.at(-1)
  if (before === undefined) return { ...state, note: "Nothing to take back" }
  return { ...arranged({ ...state, done: before, undo: state.undo.slice(0, -1) }), note: "Taken back" }
}

export function current(state: State): Listed | undefined {
  return state.rows[state.cursor]?.listed
}

/** What a command is about: the tagged ones, else the one under the cursor. */
export function about(state: State): readonly string[] {
  const one = current(state)
  return state.tagged.size > 0 ? [...state.tagged] : one === undefined ? [] : [one.key]
}

export function moved(state: State, by: number): State {
  const cursor = Math.max(0, Math.min(state.rows.length - 1, state.cursor + by))
  return { ...state, cursor, note: "" }
}

/** The next row from the cursor on that meets the query, round the end. */
export function found(state: State, typed: string, step: 1 | -1): State {
  const query: Query = parseQuery(typed, state.now)
  const { rows, cursor } = state
  for (let i = 1; i <= rows.length; i++) {
    const at = (cursor + step * i + rows.length * i) % rows.length
    const row = rows[at]
    if (row !== undefined && matches(row.listed, query))
      return { ...state, cursor: at, lastSearch: typed, note: "" }
  }
  return { ...state, lastSearch: typed, note: `Nothing found for ${typed}` }
}

/** The next unread one, or just the next. */
export function nextUnread(state: State): State {
  const at = state.rows.findIndex(({ listed }, i) => i > state.cursor && !listed.flags.seen)
  return at < 0 ? { ...moved(state, 1), note: "No more unread" } : { ...state, cursor: at, note: "" }
}

/** New mail and messages gone; the rest stays as it is. */
export function withNews(state: State, messages: readonly Listed[], came: number): State {
  const note = came === 0 ? state.note : `${came} new message${came === 1 ? "" : "s"}`
  const here = new Set(messages.map(({ key }) => key))
  const tagged = new Set([...state.tagged].filter((key) => here.has(key)))
  return { ...arranged({ ...state, messages, tagged }), note }
}
