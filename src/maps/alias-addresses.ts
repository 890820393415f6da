// confCHECK_ALIASES: newaliases looks at the addresses that aliases lead to, and tells those that are none (sendmail: alias.c,
// readaliases). Whether somebody lives there only mail can tell.
import { parseMailbox } from "../mail/address.ts"
import { parseAddressList } from "../message/addresses.ts"
import { type AliasFile, type AliasProblem, parseTargets } from "./aliases.ts"

/** A warning for each address on a right-hand side that is none. */
export function badAddresses({ aliases }: Pick<AliasFile, "aliases">): readonly AliasProblem[] {
  return aliases.flatMap(({ value, line }) =>
    parseTargets(value, { file: "", line, column: 1 })
      .filter(({ kind, text }) => kind === "address" && !isAddress(text))
      .map(({ text }) => ({ line, says: `${text}... bad address`, severity: "warning" as const })),
  )
}

/** `Jim Smith <jim@hello.com>`, jim@hello.com, jim, host!jim. */
function isAddress(text: string): boolean {
  const address = /[<(]/.test(text) ? (parseAddressList(text)[0]?.address ?? "") : text
  return address.includes("@") ? parseMailbox(address.replace(/^\\/, "")).ok : address !== ""
}
