// What stands around every page: the name of the host, the way to the other pages, the way out.
import type { Session } from "../api.ts"
import { ask, session as sessionSignal } from "./asking.ts"
import { ConfigurationPage } from "./configuration.tsx"
import { ExplainPage } from "./explain.tsx"
import { ForensicsPage } from "./forensics.tsx"
import { MessagePage } from "./message.tsx"
import { MessagesPage } from "./messages.tsx"
import { NowPage } from "./now.tsx"
import { emblem, pages } from "./names.ts"
import { hrefOf, place } from "./place.ts"
import { QueuePage } from "./queue.tsx"

/** The whole window of somebody who is logged in. */
export function Shell({ session }: { session: Session }) {
  const { page } = place.value
  const name = pages.find((one) => one.page === page)?.name ?? ""
  document.title = `${name} · ${session.host} · Waypost`
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={toMain}>
        To the page
      </a>
      <header class="side">
        <a class="mark" href={hrefOf("now")} aria-label="Waypost, to the first page">
          <Post /> <span>Waypost</span>
        </a>
        <nav aria-label="Pages">
          {pages.map((one) => (
            <a
              key={one.page}
              href={hrefOf(one.page)}
              {...(one.page === page ? { "aria-current": "page" as const } : {})}
            >
              {one.name}
            </a>
          ))}
        </nav>
        <Who session={session} />
      </header>
      <main id="main" tabIndex={-1}>
        <Page />
      </main>
    </div>
  )
}

function toMain(event: Event): void {
  event.preventDefault()
  document.querySelector("main")?.focus()
}

function Post() {
  return (
    <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
      <path d={emblem} fill="currentColor" />
    </svg>
  )
}

function Who({ session }: { session: Session }) {
  const leave = (): void => {
    ask("POST /api/logout", {}).then(
      () => (sessionSignal.value = "none"),
      () => (sessionSignal.value = "none"), // the session is gone either way: the server no longer knows it
    )
  }
  return (
    <div class="who">
      <span class="host">{session.host}</span>
      <span class="user">{session.user === "link" ? "in by link" : session.user}</span>
      <button type="button" class="quiet" onClick={leave}>
        Log out
      </button>
      <span class="version">{session.version}</span>
    </div>
  )
}

function Page() {
  const { page, about } = place.value
  switch (page) {
    case "now":
      return <NowPage />
    case "messages":
      return about === "" ? <MessagesPage /> : <MessagePage key={about} id={about} />
    case "queue":
      return <QueuePage />
    case "explain":
      return <ExplainPage />
    case "configuration":
      return <ConfigurationPage />
    case "forensics":
      return <ForensicsPage />
  }
}
