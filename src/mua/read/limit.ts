// Limits that ask the texts of the messages, not only the list.
import { parseQuery } from "../search.ts"
import { searchBodies } from "../search-bodies.ts"
import type { App } from "./app.ts"
import { arranged } from "./state.ts"

/** `body:` asks the messages themselves, when the limit is whole. */
export async function limitByTexts(app: App): Promise<void> {
  const { limit, messages, rows, now } = app.state
  const { body } = parseQuery(limit, now)
  if (body.length === 0 || messages.length === 0) return
  const keys = await searchBodies(
    app.mailbox,
    rows.map(({ listed }) => listed.key),
    body,
    (done, all) => {
      app.note(`Searching the texts: ${done} of ${all}`)
      app.draw()
      return "go on"
    },
  )
  if (keys !== undefined)
    app.set({ ...arranged({ ...app.state, texts: { limit, keys } }), note: `${keys.size} found` })
}
