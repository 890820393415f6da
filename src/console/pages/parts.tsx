// The small things that every page is made of: heads, empty states, troubles, reasons, badges, times.
import type { ComponentChildren } from "preact"
import type { Trouble } from "./asking.ts"
import { clockTime, relative } from "./words.ts"

/** The head of a page: its name, what it is for, and what can be done. */
export function Head({
  name,
  says,
  children,
}: {
  name: string
  says?: string
  children?: ComponentChildren
}) {
  return (
    <header class="head">
      <div>
        <h1>{name}</h1>
        {says === undefined ? undefined : <p>{says}</p>}
      </div>
      {children === undefined ? undefined : <div class="actions">{children}</div>}
    </header>
  )
}

/** A part of a page with a heading of its own. */
export function Panel({
  name,
  aside,
  children,
}: {
  name: string
  aside?: ComponentChildren
  children: ComponentChildren
}) {
  return (
    <section class="panel" aria-label={name}>
      <h2>
        {name}
        {aside === undefined ? undefined : <span class="aside">{aside}</span>}
      </h2>
      {children}
    </section>
  )
}

/** Nothing to show: why, and what to do next. */
export function Empty({ says, children }: { says: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-says">{says}</p>
      {children}
    </div>
  )
}

/** Something did not work. */
export function Problem({ trouble }: { trouble: Trouble | undefined }) {
  if (trouble === undefined) return <></>
  return (
    <div class="problem" role="alert">
      <strong>{trouble.error}</strong>
      {trouble.hint === undefined ? undefined : <span> {trouble.hint}</span>}
    </div>
  )
}

/** A first answer is awaited. */
export function Waiting({ what }: { what: string }) {
  return (
    <p class="waiting" role="status">
      Asking for {what} …
    </p>
  )
}

/** What a mark says: its colour never says it alone. */
export type Tone = "ok" | "warning" | "bad" | "unknown" | "plain"

/** A word with a tone. */
export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>
}

/** The tone of an event or an outcome. */
export function toneOf(what: string): Tone {
  switch (what) {
    case "accepted":
    case "delivered":
    case "relayed":
    case "yes":
    case "ok":
      return "ok"
    case "deferred":
    case "held":
    case "later":
    case "warning":
      return "warning"
    case "refused":
    case "failed":
    case "bounced":
    case "removed":
    case "no":
    case "bad":
    case "loop":
      return "bad"
    default:
      return "plain"
  }
}

/** A time: how far away, and exactly. */
export function Time({ at, now }: { at: number; now: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={clockTime(at)}>
      {relative(at, now)}
    </time>
  )
}

/** An address, never empty: <> is the sender of reports. */
export function Address({ text }: { text: string | undefined }) {
  return <span class="address">{text === undefined || text === "" ? "<>" : text}</span>
}

/** A field of a form, its label above it. */
export function Field({
  label,
  children,
  note,
}: {
  label: string
  children: ComponentChildren
  note?: string
}) {
  return (
    <label class="field">
      <span class="label">{label}</span>
      {children}
      {note === undefined ? undefined : <span class="note">{note}</span>}
    </label>
  )
}

/** What was typed into a form, by the names of its fields. */
export function typed(form: HTMLFormElement): (name: string) => string {
  const fields = new FormData(form)
  return (name) => {
    const value = fields.get(name)
    return typeof value === "string" ? value : ""
  }
}
