// What a person wishes about letters that go out: by which program, and where a copy is kept.
import { appendFileSync } from "node:fs"
import { fromLine } from "../../mailbox/from-line.ts"
import { composed, type Draft } from "../letter.ts"
import { fileName } from "./file-name.ts"
import type { Session } from "./session.ts"

/** Another program than ours to send with: `sendmail`, or `mta` as s-nail calls it. */
export function programOf({ wanted: { variables } }: Session): string | undefined {
  return variables.get("sendmail") ?? variables.get("mta")
}

/** A copy of what is sent, where `record` says. */
export function record(draft: Draft, session: Session): void {
  const { variables } = session.wanted
  const path = variables.get("record")
  if (path === undefined || path === "") return
  const octets = composed(draft, "=_record")
  appendFileSync(
    fileName(session, path),
    Buffer.concat([fromLine(session.user, Date.now(), "mailbox"), octets, Buffer.from("\n")]),
    { mode: 0o600 },
  )
}
