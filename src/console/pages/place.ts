// Where the reader is: the page and what it is about, kept in the address behind #, so that back, reload and links work.
import { signal } from "@preact/signals"
import { pages } from "./names.ts"

/** One of the pages. */
export type PageName = (typeof pages)[number]["page"]

/** `about` is what the page shows one of: a message's id. */
export type Place = { readonly page: PageName; readonly about: string; readonly query: URLSearchParams }

/** Where the reader is now. */
export const place = signal<Place>(readPlace(location.hash))

/** Reads what stands behind #; the first page when it is no page of ours. */
export function readPlace(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2)
  const [name, about = ""] = path.split("/", 2)
  const page = pages.find((one) => one.page === name)?.page ?? "now"
  return { page, about: decoded(about), query: new URLSearchParams(query) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a % that escapes nothing: somebody typed it
  }
}

/** The address of a place, for href. */
export function hrefOf(page: PageName, about = "", query: Readonly<Record<string, string>> = {}): string {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "")).toString()
  return `#/${page}${about === "" ? "" : `/${encodeURIComponent(about)}`}${words === "" ? "" : `?${words}`}`
}

/** Follows the address; the reader's focus goes to the new page. */
export function followPlace(): void {
  addEventListener("hashchange", () => {
    const before = place.value
    place.value = readPlace(location.hash)
    if (before.page === place.value.page && before.about === place.value.about) return
    scrollTo(0, 0)
    document.querySelector("main")?.focus()
  })
}
