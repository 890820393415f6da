// Events of a timeline as lines for a person: `waypost show` and `waypost trace`.
import { stripVTControlCharacters, styleText } from "node:util"
import { printStamp } from "../message/date.ts"
import type { Event } from "../spool/spool.ts"
import type { Io } from "./io.ts"

/** An event as the control socket tells it: its reasons are printed already. */
export type Told = Event & { readonly reasons: readonly string[] }

/** How the page may look: its width, and bold and gray where there is a terminal. */
export type Look = {
  readonly width: number
  readonly paint: (style: "bold" | "gray", text: string) => string
}

/** The look of where this goes. */
export function lookOf({ stdout, env }: Io): Look {
  const columns = "columns" in stdout ? stdout.columns : Number(env["COLUMNS"])
  const width = typeof columns === "number" && columns > 0 ? columns : 80
  const terminal = "isTTY" in stdout && stdout.isTTY === true
  return {
    width: Math.max(width, 40),
    paint: (style, text) => (terminal ? styleText(style, text, { stream: stdout }) : text),
  }
}

/** Nothing in a message writes to the terminal but text. */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll("\t", " ")
    .replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "?")
}

/** An event, and below it why. */
export function eventLines(
  { at, what, address, status, detail, remote, reasons }: Told,
  paint: Look["paint"],
): readonly string[] {
  const words = detail === "" || status.includes(detail) ? status : `${status} ${detail}`
  const by = remote === undefined ? "" : ` (${remote})`
  const whom = address === "" ? "" : ` <${address}>`
  return [
    plain(`${printStamp(at)}  ${what}${whom}: ${words}${by}`),
    ...reasons.map((reason) => paint("gray", `                   ${plain(reason)}`)),
  ]
}
