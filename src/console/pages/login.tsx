// The way in: the link that `waypost start` printed, or name, password and code of an administrator.
import type { Session } from "../api.ts"
import { ask, session, useDoing } from "./asking.ts"
import { Field, Problem, typed } from "./parts.tsx"

/** The login page. */
export function Login() {
  const { trouble, busy, run } = useDoing<Session>()
  document.title = "Log in · Waypost"
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const field = typed(event.currentTarget as HTMLFormElement)
    run(() => enter(field))
  }
  return (
    <main class="login">
      <form onSubmit={submit} aria-label="Log in">
        <h1>Waypost</h1>
        <p>
          Open the link that <code>waypost start</code> printed; <code>waypost console link</code> prints a
          new one. Or log in as an administrator:
        </p>
        {location.search === "?stale" ? <Problem trouble={stale} /> : undefined}
        <Field label="Name">
          <input name="name" autoComplete="username" required spellcheck={false} autoCapitalize="off" />
        </Field>
        <Field label="Password">
          <input name="password" type="password" autoComplete="current-password" required />
        </Field>
        <Field label="Code" note="of your authenticator, if you have one">
          <input name="totp" inputMode="numeric" autoComplete="one-time-code" pattern="[0-9 ]*" />
        </Field>
        <Problem trouble={trouble} />
        <button class="main" disabled={busy}>
          Log in
        </button>
      </form>
    </main>
  )
}

const stale = {
  error: "This link has been used, or is too old.",
  hint: "waypost console link prints a new one.",
}

async function enter(field: (name: string) => string): Promise<Session> {
  const totp = field("totp").replaceAll(" ", "")
  const opened = await ask("POST /api/login", {
    name: field("name"),
    password: field("password"),
    ...(totp === "" ? {} : { totp }),
  })
  session.value = opened
  return opened
}
