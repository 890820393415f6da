// The full-screen reader as a running thing: it owns the mailbox and the screen, takes keys in their order, and draws what has become
// of the state. What each key does stands in actions.ts.
import type { Io } from "../../commands/io.ts"
import { contentOf } from "../content.ts"
import { MailboxError, type Mailbox } from "../mailbox.ts"
import { openMailbox } from "../open.ts"
import { drawn, linesOf, roomFor } from "./draw.ts"
import { typedBy } from "./keys.ts"
import { openScreen, type Screen } from "./screen.ts"
import { arranged, type Field, type Sheet, startState, type State, withNews } from "./state.ts"

/** How often others' doings are looked for. */
const lookMilliseconds = 1500

export type Key = (key: string, app: App) => Promise<void>

export class App {
  readonly io: Io
  mailbox: Mailbox
  state: State
  readonly screen: Screen
  readonly #key: Key
  /** Keys that were typed while another's work was going on. */
  readonly #waiting: string[] = []
  #working = false
  #over = false
  #answer: ((text: string | undefined) => void) | undefined
  #ended: (() => void) | undefined
  #failed: ((error: unknown) => void) | undefined
  readonly #timer: NodeJS.Timeout

  constructor(io: Io, mailbox: Mailbox, key: Key) {
    this.io = io
    this.mailbox = mailbox
    this.#key = key
    this.state = startState(mailbox.path, mailbox.messages, Date.now())
    this.screen = openScreen(io, { key: (one) => this.#hear(one), resize: () => this.draw() })
    this.#timer = setInterval(() => this.#hear("look"), lookMilliseconds)
    this.draw()
  }

  /** Until it is quit. */
  async run(): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#ended = resolve
        this.#failed = reject
      })
    } finally {
      clearInterval(this.#timer)
      this.screen.close()
    }
  }

  /** One key after the other; while a question is open its letters go there at once. */
  #hear(key: string): void {
    if (this.#answer !== undefined && key !== "look") {
      this.#typeAnswer(key)
      return
    }
    this.#waiting.push(key)
    if (!this.#working) void this.#work()
  }

  async #work(): Promise<void> {
    this.#working = true
    try {
      for (let key = this.#waiting.shift(); key !== undefined; key = this.#waiting.shift())
        await this.#handle(key)
    } catch (error) {
      this.#failed?.(error)
    } finally {
      this.#working = false
    }
  }

  /** What was typed before the question was on the screen is meant for it: `s`, `1`, Enter from quick fingers. */
  #typeAhead(): void {
    for (let i = 0; i < this.#waiting.length && this.#answer !== undefined; ) {
      const key = this.#waiting[i]
      if (key === undefined || key === "look") i++
      else {
        this.#waiting.splice(i, 1)
        this.#typeAnswer(key)
      }
    }
  }

  async #handle(key: string): Promise<void> {
    try {
      if (key === "look") await this.#look()
      else await this.#key(key, this)
    } catch (error) {
      if (!(error instanceof MailboxError)) throw error
      this.note(error.message)
    }
    this.draw()
  }

  async #look(): Promise<void> {
    const { came, went } = await this.mailbox.look()
    const now = Date.now()
    if (came.length + went.length > 0)
      this.state = withNews({ ...this.state, now }, this.mailbox.messages, came.length)
  }

  set(state: State): void {
    this.state = state
  }

  note(text: string): void {
    this.state = { ...this.state, note: text }
  }

  draw(): void {
    if (this.#over) return // the screen is the terminal's again, or about to be
    const { width, height } = this.screen
    const room = roomFor({ width, height })
    const { cursor, rows } = this.state
    let { top } = this.state
    if (cursor < top) top = cursor
    if (cursor >= top + room) top = cursor - room + 1
    top = Math.max(0, Math.min(top, rows.length - 1))
    this.state = { ...this.state, top, sheet: this.#sheetInside(room, width) }
    const { lines, cursor: at } = drawn(this.state, { width, height })
    this.screen.draw(lines, at)
  }

  #sheetInside(room: number, width: number): Sheet | undefined {
    const { sheet } = this.state
    if (sheet === undefined) return undefined
    const last = Math.max(0, linesOf(sheet, width).length - room)
    return { ...sheet, top: Math.max(0, Math.min(sheet.top, last)) }
  }

  get room(): number {
    return roomFor(this.screen)
  }

  /** Asks a line at the bottom; undefined when it was called off. */
  async ask(label: string, text = ""): Promise<string | undefined> {
    this.state = { ...this.state, field: { label, text, purpose: "answer" } }
    this.draw()
    const answer = await new Promise<string | undefined>((resolve) => {
      this.#answer = resolve
      this.#typeAhead()
    })
    this.state = { ...this.state, field: undefined }
    return answer
  }

  #typeAnswer(key: string): void {
    const typed = typeInto(this.state.field, key)
    if (typed.ended !== undefined) {
      const resolve = this.#answer
      this.#answer = undefined
      resolve?.(typed.ended === "done" ? typed.field.text : undefined)
      return
    }
    this.state = { ...this.state, field: typed.field }
    this.draw()
  }

  /** The message's octets; undefined, said, when another program removed it. */
  async read(key: string): Promise<Buffer | undefined> {
    const octets = await this.mailbox.read(key)
    if (octets === undefined) this.note("Another program has removed this message")
    return octets
  }

  /** The text of a message for answers. */
  async textOf(octets: Buffer): Promise<string> {
    return (await contentOf(octets)).text
  }

  /** Writes what was done: deletions and marks. */
  async write(): Promise<void> {
    const { done } = this.state
    const removed = new Set([...done].filter(([, flags]) => flags.deleted).map(([key]) => key))
    const flags = new Map([...done].filter(([key]) => !removed.has(key)))
    await this.mailbox.write({ flags, removed })
    this.state = arranged({
      ...this.state,
      messages: this.mailbox.messages,
      done: new Map(),
      undo: [],
      tagged: new Set(),
    })
  }

  /** Another folder; what was done in this one is written first. */
  async change(path: string): Promise<void> {
    const next = await openMailbox(path)
    await this.write()
    await this.mailbox.close()
    this.mailbox = next
    this.state = startState(next.path, next.messages, Date.now())
  }

  end(): void {
    this.#over = true
    this.#ended?.()
  }
}

/** A key typed into a field. */
export function typeInto(
  field: Field | undefined,
  key: string,
): { readonly field: Field; readonly ended: "done" | "called off" | undefined } {
  const now = field ?? { label: "", text: "", purpose: "answer" }
  switch (key) {
    case "Enter":
      return { field: now, ended: "done" }
    case "Esc":
    case "Ctrl-G":
    case "Ctrl-C":
      return { field: now, ended: "called off" }
    case "Backspace":
      return { field: { ...now, text: [...now.text].slice(0, -1).join("") }, ended: undefined }
    case "Ctrl-U":
      return { field: { ...now, text: "" }, ended: undefined }
    case "Ctrl-W":
      return { field: { ...now, text: now.text.replace(/\S+\s*$/, "") }, ended: undefined }
    default:
      return { field: { ...now, text: now.text + (typedBy(key) ?? "") }, ended: undefined }
  }
}
