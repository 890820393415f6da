// Where the console's pages begin: who is logged in decides between the login and the page that the address names.
import { render } from "preact"
import { readSession, session } from "./asking.ts"
import { Login } from "./login.tsx"
import { followPlace } from "./place.ts"
import { Shell } from "./shell.tsx"

function Console() {
  const who = session.value
  if (who === undefined) return <></>
  return who === "none" ? <Login /> : <Shell session={who} />
}

followPlace()
const root = document.getElementById("root")
if (root !== null) {
  readSession()
  root.textContent = "" // the frame that came with the page: the same is drawn in its place
  render(<Console />, root)
}
