// Who names another as the sender of mail of this host, and is not trusted to, is named in the mail (sendmail: setsender,
// X-Authentication-Warning). One rule for the local door and for the submission program.

export type NamedSender = {
  readonly login: string
  /** As it was typed; "" is the null sender. */
  readonly sender: string
  /** Our name. */
  readonly host: string
  /** The flag that named the sender. */
  readonly flag: "-f" | "-r"
  /** Class t, in lower case. */
  readonly trusted: { has(login: string): boolean } | undefined
}

/** `bob set sender to x@example.org using -f`; undefined where nothing is to be said. */
export function namesAnother({ login, sender, host, flag, trusted }: NamedSender): string | undefined {
  if (login === "root" || trusted?.has(login.toLowerCase()) === true) return undefined
  const own = sender === login || sender.toLowerCase() === `${login}@${host}`.toLowerCase()
  return own ? undefined : `${login} set sender to ${sender === "" ? "<>" : sender} using ${flag}`
}
