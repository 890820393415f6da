// A user's .forward: which paths the option ForwardPath names for them, and what the first file that is there says.
import { because, type Decision, later, pass, type Reason, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { Account, BornRule } from "../mail/world.ts"
import { option, optionAt } from "../config/options.ts"
import { macro } from "../config/settings.ts"
import { passed, unknown } from "./reasons.ts"
import type { RoutingWorld } from "./world.ts"

export type ForwardFile = {
  readonly path: string
  readonly text: string
  /** Rules of safety that it breaks and that are borne. */
  readonly despite: readonly BornRule[]
}

/**
 * The files to look for, in order. $z is the home, $u the login, $w our short name, $h the detail; a path
 * with $h is left out when there is no detail (sendmail: forward()).
 */
export function forwardPaths(
  template: string,
  account: Account,
  detail: string | undefined,
  host: string,
): readonly string[] {
  const values: Readonly<Record<string, string>> = {
    z: account.home,
    u: account.name,
    w: host,
    h: detail ?? "",
  }
  return template
    .split(":")
    .filter((path) => path !== "" && (detail !== undefined || !path.includes("$h")))
    .map((path) => path.replaceAll(/\$([a-z])/g, (whole, name: string) => values[name] ?? whole))
}

/** The files of this user to look for, in order. */
export function forwardFiles(
  account: Account,
  detail: string | undefined,
  { settings }: RoutingWorld,
): readonly string[] {
  // A detail may name a file, never a way to another directory.
  const tag = detail === undefined || detail.includes("/") ? undefined : detail
  return forwardPaths(option(settings, "ForwardPath"), account, tag, macro(settings, "w") ?? "")
}

/** That this user has no .forward. */
export function noForward(
  account: Account,
  { settings }: RoutingWorld,
  notes: readonly Reason[] = [],
): Decision<never> {
  return pass(passed(".forward", `${account.name} has none`, optionAt(settings, "ForwardPath"), notes))
}

/** The .forward that counts for this user; a pass when there is none. A file that is not safe is passed over, and said. */
export async function readForward(
  account: Account,
  detail: string | undefined,
  world: RoutingWorld,
): Promise<Decision<ForwardFile>> {
  const paths = forwardFiles(account, detail, world)
  const notes: Reason[] = []
  // All are asked for at once: most users have none, and then it is one answer that is waited for.
  const files = paths.map((path) => ({ path, asked: world.readUserFile(path, account, "forward") }))
  for (const { path, asked } of files) {
    const file = await asked
    switch (file.found) {
      case "text":
        return yes(
          { path, text: file.text, despite: file.despite ?? [] },
          because(".forward", `${account.name} forwards by ${path}`, undefined, notes),
        )
      case "unsafe":
        notes.push(passed(".forward", `${path} is not used: ${file.why}`))
        break
      case "unavailable": {
        const reason = unknown(".forward", `${path} cannot be read now: ${file.why}`, undefined, notes)
        return later(reply(451, "4.3.0", "Temporary system failure. Please try again later."), reason)
      }
      case "nothing":
        break
    }
  }
  return noForward(account, world, notes)
}
