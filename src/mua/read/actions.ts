// What each key does, in one table: the same table is the help of `?`. mutt's keys, and mailx's words behind `:`.
import { answerTo, type AnswerKind, forwardOf, quoted } from "../answer.ts"
import { emptyDraft } from "../letter.ts"
import { namesOf } from "../mail/typing.ts"
import { type App, typeInto } from "./app.ts"
import { waitingDrafts } from "./drafts.ts"
import { folder, pipe, save } from "./files.ts"
import { limitByTexts } from "./limit.ts"
import { forgerySheet, headerSheet, messageSheet, rawSheet, routeSheet } from "./sheets.ts"
import {
  about,
  arranged,
  closed,
  current,
  found,
  marked,
  moved,
  nextUnread,
  type Sheet,
  undone,
} from "./state.ts"
import { goOn, submit, writeLetter } from "./writing.ts"

type Where = "list" | "sheet" | "both"

export type Action = {
  readonly keys: readonly string[]
  readonly where: Where
  /** The word behind `:`. */
  readonly word: string
  readonly does: string
  readonly run: (app: App, rest: string) => Promise<void> | void
}

const move = (by: (app: App) => number) => (app: App) => {
  const { sheet } = app.state
  if (sheet === undefined) app.set(moved(app.state, by(app)))
  else app.set({ ...app.state, sheet: { ...sheet, top: sheet.top + by(app) } })
}

function flag(change: (app: App) => Parameters<typeof marked>[2], thenOn: boolean) {
  return async (app: App) => {
    const keys = app.state.sheet?.key !== undefined ? [app.state.sheet.key] : about(app.state)
    app.set(marked(app.state, keys, change(app)))
    if (!thenOn || app.state.tagged.size > 0) return
    if (app.state.sheet !== undefined) await openNext(app, 1)
    else app.set(moved(app.state, 1))
  }
}

async function open(app: App): Promise<void> {
  const one = current(app.state)
  const octets = one === undefined ? undefined : await app.read(one.key)
  if (one === undefined || octets === undefined) return
  app.set(marked(app.state, [one.key], (flags) => ({ ...flags, seen: true, recent: false })))
  app.set({
    ...app.state,
    undo: app.state.undo.slice(0, -1),
    sheet: await messageSheet(one.key, octets),
    note: "",
  })
}

/** The next message of this list, deleted ones passed over. */
async function openNext(app: App, by: 1 | -1): Promise<void> {
  const { rows, cursor } = app.state
  for (let at = cursor + by; at >= 0 && at < rows.length; at += by) {
    if (rows[at]?.listed.flags.deleted === true) continue
    app.set({ ...app.state, cursor: at, sheet: undefined, behind: undefined })
    return await open(app)
  }
  app.set({
    ...app.state,
    sheet: undefined,
    behind: undefined,
    note: by === 1 ? "That was the last one" : "That was the first one",
  })
}

function sheetOf(make: (key: string, octets: Buffer, app: App) => Sheet | Promise<Sheet>) {
  return async (app: App) => {
    const key = app.state.sheet?.key ?? current(app.state)?.key
    const octets = key === undefined ? undefined : await app.read(key)
    if (key !== undefined && octets !== undefined) over(app, await make(key, octets, app))
  }
}

function over(app: App, sheet: Sheet): void {
  const { sheet: now, behind } = app.state
  app.set({ ...app.state, sheet, behind: now?.kind === "message" ? now : behind, note: "" })
}

function answering(kind: AnswerKind) {
  return async (app: App) => {
    const key = app.state.sheet?.key ?? current(app.state)?.key
    const octets = key === undefined ? undefined : await app.read(key)
    if (key === undefined || octets === undefined) return
    const own = app.io.env["USER"] ?? app.io.env["LOGNAME"] ?? ""
    const draft = answerTo(octets, kind, (address) => address === own)
    if (draft === undefined)
      return app.note(kind === "list" ? "It came by no list" : "There is nobody to answer")
    const text = `\n${quoted(await app.textOf(octets))}`
    if (await writeLetter(app, { ...draft, text }))
      app.set(marked(app.state, [key], (flags) => ({ ...flags, answered: true })))
  }
}

async function forward(app: App): Promise<void> {
  const key = app.state.sheet?.key ?? current(app.state)?.key
  const octets = key === undefined ? undefined : await app.read(key)
  if (octets === undefined) return
  await writeLetter(app, forwardOf(octets, await app.textOf(octets)))
}

async function bounce(app: App): Promise<void> {
  const key = app.state.sheet?.key ?? current(app.state)?.key
  const octets = key === undefined ? undefined : await app.read(key)
  const to = octets === undefined ? undefined : await app.ask("Bounce to: ")
  if (octets === undefined || to === undefined || to.trim() === "") return
  const { printDate } = await import("../../message/date.ts")
  const names = namesOf(to)
  const trace = `Resent-Date: ${printDate(Date.now())}\nResent-To: ${names.join(", ")}\n`
  const { code, id, said } = await submit(app, Buffer.concat([Buffer.from(trace), octets]), names)
  app.note(
    code === 0 ? `Bounced${id === undefined ? "" : ` as ${id}`}` : `Not bounced (exit ${code}): ${said}`,
  )
}

async function compose(app: App, rest: string): Promise<void> {
  const to = rest === "" ? await app.ask("To: ") : rest
  if (to !== undefined) await writeLetter(app, { ...emptyDraft, to: namesOf(to) })
}

async function resume(app: App): Promise<void> {
  const [oldest, ...others] = waitingDrafts()
  if (oldest === undefined) return app.note("No letter waits")
  if (others.length > 0) app.note(`${others.length} more wait`)
  await goOn(app, oldest)
}

function field(label: string, purpose: "limit" | "search" | "command", text = "") {
  return (app: App) => app.set({ ...app.state, field: { label, text, purpose } })
}

function tag(app: App): void {
  const one = current(app.state)
  if (one === undefined) return
  const tagged = new Set(app.state.tagged)
  if (!tagged.delete(one.key)) tagged.add(one.key)
  app.set(moved({ ...app.state, tagged }, 1))
}

function fold(app: App): void {
  const root = app.state.rows[app.state.cursor]?.root
  if (root === undefined) return
  const collapsed = new Set(app.state.collapsed)
  if (!collapsed.delete(root)) collapsed.add(root)
  app.set(arranged({ ...app.state, collapsed }))
}

function foldAll(app: App): void {
  const all = new Set(app.state.rows.map(({ root }) => root))
  const collapsed = app.state.collapsed.size > 0 ? new Set<string>() : all
  app.set(arranged({ ...app.state, collapsed }))
}

async function quit(app: App): Promise<void> {
  if (app.state.sheet !== undefined) return app.set(closed(app.state))
  await app.write()
  await app.mailbox.close()
  app.end()
}

/** Escape: what is open closes, else the limit goes. */
function back(app: App): void {
  if (app.state.sheet !== undefined) app.set(closed(app.state))
  else if (app.state.tagged.size > 0) app.set({ ...app.state, tagged: new Set() })
  else if (app.state.limit !== "") app.set(arranged({ ...app.state, limit: "" }))
}

function help(app: App): void {
  const here = app.state.sheet === undefined ? "list" : "sheet"
  const lines = actions
    .filter(({ where }) => where === "both" || where === here)
    .map(({ keys, word, does }) => `${keys.join(" ").padEnd(20)} :${word.padEnd(12)} ${does}`)
  const more = [
    "",
    'Limits and searches: words, or from:ann to:me subject:"two words" is:unread is:flagged larger:100k after:2026-11-01 body:word -not',
    "Commands are about the tagged messages, when there are some.",
  ]
  over(app, { title: "Keys", text: [...lines, ...more].join("\n"), top: 0, key: undefined, kind: "help" })
}

export const actions: readonly Action[] = [
  { keys: ["j", "Down"], where: "both", word: "down", does: "down", run: move(() => 1) },
  { keys: ["k", "Up"], where: "both", word: "up", does: "up", run: move(() => -1) },
  {
    keys: ["Space", "PageDown"],
    where: "both",
    word: "page",
    does: "a page down",
    run: move((app) => app.room - 1),
  },
  { keys: ["b", "PageUp"], where: "both", word: "back", does: "a page up", run: move((app) => 1 - app.room) },
  { keys: ["Home", "^"], where: "both", word: "first", does: "to the first", run: move(() => -1e9) },
  { keys: ["End", "$"], where: "both", word: "last", does: "to the last", run: move(() => 1e9) },
  {
    keys: ["Tab"],
    where: "list",
    word: "unread",
    does: "to the next unread one",
    run: (app) => app.set(nextUnread(app.state)),
  },
  { keys: ["Enter"], where: "list", word: "open", does: "opens the message", run: open },
  {
    keys: ["n"],
    where: "sheet",
    word: "next",
    does: "the next message of the list",
    run: async (app) => await openNext(app, 1),
  },
  {
    keys: ["p"],
    where: "sheet",
    word: "previous",
    does: "the message before",
    run: async (app) => await openNext(app, -1),
  },
  {
    keys: ["q"],
    where: "both",
    word: "quit",
    does: "back; in the list: writes what was done and ends",
    run: quit,
  },
  {
    keys: ["Esc"],
    where: "both",
    word: "escape",
    does: "back; in the list: takes tags and limit off",
    run: back,
  },
  { keys: ["r"], where: "both", word: "reply", does: "answers the sender", run: answering("sender") },
  { keys: ["a", "g"], where: "both", word: "replyall", does: "answers all", run: answering("all") },
  { keys: ["L"], where: "both", word: "list", does: "answers the list", run: answering("list") },
  { keys: ["f"], where: "both", word: "forward", does: "forwards", run: forward },
  { keys: ["B"], where: "both", word: "bounce", does: "sends it on as it is", run: bounce },
  { keys: ["m"], where: "both", word: "mail", does: "writes a letter", run: compose },
  { keys: ["D"], where: "list", word: "drafts", does: "goes on with a letter that waits", run: resume },
  {
    keys: ["d"],
    where: "both",
    word: "delete",
    does: "deletes at quit",
    run: flag(() => (flags) => ({ ...flags, deleted: true }), true),
  },
  {
    keys: ["u"],
    where: "both",
    word: "undelete",
    does: "undeletes",
    run: flag(() => (flags) => ({ ...flags, deleted: false }), false),
  },
  {
    keys: ["z"],
    where: "both",
    word: "undo",
    does: "takes the last thing back",
    run: (app) => app.set(undone(app.state)),
  },
  {
    keys: ["!"],
    where: "both",
    word: "flag",
    does: "flags, or takes the flag off",
    run: flag(() => (flags) => ({ ...flags, flagged: !flags.flagged }), false),
  },
  {
    keys: ["N"],
    where: "both",
    word: "new",
    does: "marks as unread, or read",
    run: flag(() => (flags) => ({ ...flags, seen: !flags.seen, recent: false }), false),
  },
  { keys: ["x", "t"], where: "list", word: "tag", does: "tags, for the next command", run: tag },
  {
    keys: ["l"],
    where: "list",
    word: "limit",
    does: "limits the list as you type",
    run: (app) => field("Limit: ", "limit", app.state.limit)(app),
  },
  { keys: ["/"], where: "list", word: "search", does: "searches", run: field("Search: ", "search") },
  {
    keys: ["n"],
    where: "list",
    word: "again",
    does: "searches on",
    run: (app) => app.set(found(app.state, app.state.lastSearch, 1)),
  },
  {
    keys: ["T"],
    where: "list",
    word: "threads",
    does: "threads, or by time received",
    run: (app) => app.set(arranged({ ...app.state, threads: !app.state.threads })),
  },
  { keys: ["v"], where: "list", word: "fold", does: "folds the thread", run: fold },
  { keys: ["V"], where: "list", word: "foldall", does: "folds all threads", run: foldAll },
  { keys: ["h"], where: "both", word: "header", does: "all header fields", run: sheetOf(headerSheet) },
  { keys: ["R"], where: "both", word: "raw", does: "the raw message", run: sheetOf(rawSheet) },
  { keys: ["F"], where: "both", word: "forged", does: "is it forged, and why", run: sheetOf(forgerySheet) },
  {
    keys: ["W"],
    where: "both",
    word: "why",
    does: "how it got here",
    run: sheetOf(async (key, octets, app) => await routeSheet(key, octets, app.io)),
  },
  { keys: ["s"], where: "both", word: "save", does: "saves the message or a part of it", run: save },
  { keys: ["|"], where: "both", word: "pipe", does: "gives the message to a command", run: pipe },
  { keys: ["c"], where: "list", word: "folder", does: "another folder", run: folder },
  {
    keys: ["w"],
    where: "list",
    word: "write",
    does: "writes what was done, and stays",
    run: async (app) => await app.write(),
  },
  {
    keys: ["X"],
    where: "list",
    word: "exit",
    does: "ends; the folder stays as it was",
    run: (app) => app.end(),
  },
  {
    keys: [":"],
    where: "both",
    word: "command",
    does: "a command by its word; Tab completes it",
    run: field(":", "command"),
  },
  {
    keys: ["Ctrl-L"],
    where: "both",
    word: "redraw",
    does: "draws the screen anew",
    run: async (app) => await app.screen.lend(async () => {}),
  },
  { keys: ["?"], where: "both", word: "help", does: "this list", run: help },
]

/** Takes a key: into the open field, else to its action. */
export async function takeKey(key: string, app: App): Promise<void> {
  const open_ = app.state.field
  if (open_ !== undefined) return await takeInField(key, app)
  const here = app.state.sheet === undefined ? "list" : "sheet"
  const action = actions.find(({ keys, where }) => (where === "both" || where === here) && keys.includes(key))
  if (action === undefined) return app.note(`${key} does nothing here (? lists the keys)`)
  await action.run(app, "")
}

async function takeInField(key: string, app: App): Promise<void> {
  const { field: before } = app.state
  if (before?.purpose === "command" && key === "Tab") return completeWord(app, before.text)
  const { field: now, ended } = typeInto(before, key)
  if (ended === undefined) {
    app.set({ ...app.state, field: now })
    if (now.purpose === "limit") app.set(arranged({ ...app.state, limit: now.text }))
    return
  }
  app.set({ ...app.state, field: undefined })
  if (ended === "called off") {
    if (now.purpose === "limit") app.set(arranged({ ...app.state, limit: "" }))
    return
  }
  if (now.purpose === "limit") await limitByTexts(app)
  if (now.purpose === "search") app.set(found(app.state, now.text, 1))
  if (now.purpose === "command") await byWord(app, now.text)
}

function completeWord(app: App, text: string): void {
  const words = [...new Set(actions.map(({ word }) => word))].filter((word) => word.startsWith(text))
  const [only] = words
  if (only !== undefined && words.length === 1)
    app.set({ ...app.state, field: { label: ":", text: `${only} `, purpose: "command" } })
  else app.note(words.join(" "))
}

async function byWord(app: App, text: string): Promise<void> {
  const [, word = "", rest = ""] = /^\s*(\S*)\s*(.*)$/.exec(text) ?? []
  if (word === "") return
  const action = actions.find((one) => one.word === word) ?? actions.find((one) => one.word.startsWith(word))
  if (action === undefined) return app.note(`:${word} is no command (? lists them)`)
  await action.run(app, rest.trim())
}
