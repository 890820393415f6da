// The page as it leaves the server: to somebody who is in, with the frame that stands around every page and who they are, so that
// something is seen before any script has run, and nothing more is asked for it.
import type { Session } from "./api.ts"
import { emblem, pages } from "./pages/names.ts"

/** Fills what the build has left open in index.html. */
export function framed(index: string, session: Session | undefined): string {
  return index
    .replace("%session%", () => (session === undefined ? "" : escaped(JSON.stringify(session))))
    .replace("%frame%", () => (session === undefined ? "" : frameFor(session)))
}

function frameFor({ host }: Session): string {
  const links = pages.map(({ page, name }) => `<a href="#/${page}">${name}</a>`).join("")
  return [
    `<div class="shell"><header class="side">`,
    `<a class="mark" href="#/now"><svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true"><path d="${emblem}" fill="currentColor"/></svg> <span>Waypost</span></a>`,
    `<nav aria-label="Pages">${links}</nav>`,
    `<div class="who"><span class="host">${escaped(host)}</span></div>`,
    `</header><main><p class="waiting">…</p></main></div>`,
  ].join("")
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}

/** Text for an attribute or between tags. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => entities[letter] ?? "")
}
