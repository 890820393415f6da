// The screen as lines, from the state: a bar with what this is, the list or an open sheet, a bar with how it stands, a line to type in.
import { printable } from "../printable.ts"
import type { Line } from "./screen.ts"
import type { Row, Sheet, State } from "./state.ts"
import { fitted, widthOf, wrapped } from "./width.ts"

type Size = { readonly width: number; readonly height: number }

/** Rows that the list or a sheet has. */
export function roomFor({ height }: Size): number {
  return Math.max(1, height - 3)
}

/** The whole screen, and where letters go. */
export function drawn(
  state: State,
  size: Size,
): {
  readonly lines: readonly Line[]
  readonly cursor: { readonly column: number; readonly row: number } | undefined
} {
  const room = roomFor(size)
  const body = state.sheet === undefined ? listLines(state, size, room) : sheetLines(state.sheet, size, room)
  const filled = [
    ...body,
    ...Array.from({ length: Math.max(0, room - body.length) }, (): Line => ({ text: "", style: "plain" })),
  ]
  const bottom =
    state.field === undefined ? fitted(printable(state.note), size.width - 1) : fieldText(state, size)
  const lines: Line[] = [
    { text: fitted(titleOf(state), size.width), style: "bar" },
    ...filled.slice(0, room),
    { text: fitted(barText(state), size.width), style: "bar" },
    { text: bottom, style: "plain" },
  ]
  const column = Math.min(size.width - 1, widthOf(bottom))
  return { lines, cursor: state.field === undefined ? undefined : { row: size.height - 1, column } }
}

function fieldText({ field }: State, { width }: Size): string {
  const text = `${field?.label ?? ""}${printable(field?.text ?? "")}`
  return widthOf(text) < width ? text : `…${text.slice(-(width - 2))}`
}

function titleOf({ sheet, path, rows, messages, limit }: State): string {
  if (sheet !== undefined) return ` ${printable(sheet.title)}`
  const some = rows.length === messages.length || limit === "" ? "" : ` limited to "${limit}"`
  return ` Waypost: ${printable(path)} ${messages.length} message${messages.length === 1 ? "" : "s"}${some}`
}

/** While something is asked at the bottom, what there is to say stands in the bar. */
function barText(state: State): string {
  const asked = state.field?.purpose === "answer" && state.note !== ""
  return asked ? ` ${printable(state.note)}` : standing(state)
}

function standing({ sheet, done, messages, tagged, threads }: State): string {
  if (sheet !== undefined) {
    return sheet.kind === "help"
      ? " q back  Space page"
      : " q list  Space page  r answer  d delete  h header  R raw  F forged?  W how it got here  ? keys"
  }
  const count = (meets: (flags: { seen: boolean; deleted: boolean }) => boolean) =>
    messages.filter(({ key, flags }) => meets(done.get(key) ?? flags)).length
  const unread = count(({ seen }) => !seen)
  const deleted = count(({ deleted: gone }) => gone)
  const parts = [
    unread === 0 ? "" : `${unread} unread`,
    deleted === 0 ? "" : `${deleted} to delete`,
    tagged.size === 0 ? "" : `${tagged.size} tagged`,
    threads ? "threads" : "by time",
  ]
  return ` ${parts.filter((part) => part !== "").join("  ")}   Enter open  m write  r answer  d delete  l limit  q quit  ? keys`
}

function listLines(state: State, { width }: Size, room: number): Line[] {
  const { rows, cursor, top, tagged, now } = state
  if (rows.length === 0) {
    const text =
      state.limit === "" ? "  No messages." : `  Nothing meets "${printable(state.limit)}" (Esc shows all).`
    return [
      { text: "", style: "plain" },
      { text, style: "dim" },
    ]
  }
  return rows.slice(top, top + room).map((row, i) => {
    const text = rowText(row, {
      width,
      now,
      tagged: tagged.has(row.listed.key),
      folded: state.collapsed.has(row.root) && row.count > 1,
    })
    const style =
      top + i === cursor
        ? "cursor"
        : row.listed.flags.deleted
          ? "dim"
          : row.listed.flags.seen
            ? "plain"
            : "bold"
    return { text, style }
  })
}

type RowLook = {
  readonly width: number
  readonly now: number
  readonly tagged: boolean
  readonly folded: boolean
}

function rowText({ listed, branch, count }: Row, { width, now, tagged, folded }: RowLook): string {
  const { flags, summary, received, size } = listed
  const mark = flags.deleted ? "D" : flags.seen ? (flags.answered ? "r" : " ") : flags.recent ? "N" : "O"
  const start = `${tagged ? "*" : " "}${mark}${flags.flagged ? "!" : " "}`
  const nameWidth = Math.max(10, Math.min(24, Math.floor(width / 4)))
  const who = fitted(printable(summary.from.name || summary.from.address || "(nobody)"), nameWidth)
  const threadMark = count > 1 ? `${folded ? "+" : ""}(${count}) ` : ""
  return fitted(
    `${start} ${timeText(received, now)} ${who} ${sizeText(size)} ${threadMark}${branch}${printable(summary.subject) || "(no subject)"}`,
    width,
  )
}

/** Today's time, this year's day, else the year: always 6 columns. */
function timeText(at: number, now: number): string {
  const date = new Date(at)
  const today = new Date(now)
  if (date.toDateString() === today.toDateString()) return date.toTimeString().slice(0, 5).padStart(6)
  if (Math.abs(now - at) < 300 * 86_400_000) return date.toDateString().slice(4, 10)
  return String(date.getFullYear()).padStart(6)
}

function sizeText(octets: number): string {
  if (octets < 1000) return String(octets).padStart(4)
  const kilo = octets / 1024
  return (kilo < 999 ? `${Math.max(1, Math.round(kilo))}K` : `${Math.round(kilo / 1024)}M`).padStart(4)
}

/** A sheet's lines, wrapped to the width. Kept for the last one: paging asks again and again. */
let last: { readonly text: string; readonly width: number; readonly lines: readonly string[] } | undefined

export function linesOf(sheet: Sheet, width: number): readonly string[] {
  if (last === undefined || last.text !== sheet.text || last.width !== width) {
    last = { text: sheet.text, width, lines: wrapped(sheet.text, Math.min(width, 100)) }
  }
  return last.lines
}

function sheetLines(sheet: Sheet, { width }: Size, room: number): Line[] {
  return linesOf(sheet, width)
    .slice(sheet.top, sheet.top + room)
    .map((text) => ({ text: fitted(text, width).trimEnd(), style: lineStyle(text) }))
}

function lineStyle(text: string): Line["style"] {
  if (text.startsWith("⚠ ")) return "warn"
  if (/^(?:From|Subject): /.test(text)) return "bold"
  return /^[>|]/.test(text) ? "dim" : "plain"
}
