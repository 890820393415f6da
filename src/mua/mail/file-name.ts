// File names as mailx's users write them.
import { homedir } from "node:os"
import type { Session } from "./session.ts"

/** `~` and `+folder` of a file name. */
export function fileName(session: Session, name: string): string {
  const { variables } = session.wanted
  const home = session.io.env["HOME"] ?? homedir()
  if (name === "~" || name.startsWith("~/")) return `${home}${name.slice(1)}`
  if (name.startsWith("+")) {
    const folder = variables.get("folder") ?? home
    return `${folder.startsWith("/") ? folder : `${home}/${folder}`}/${name.slice(1)}`
  }
  return name
}
