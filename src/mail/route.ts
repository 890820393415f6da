// Where a recipient goes: sendmail's triple $#mailer $@host $:user.

/**
 * `mailer` is a name of Settings.mailers (`local`, `esmtp`, `relay`, `prog`, `*file*`, `error`, `discard`); `host` is
 * empty for local mailers, else a domain, `[host]` (no MX lookup) or several joined by colons; `user` is what the
 * mailer is told: a login (with +detail), an address, a command line or a file path.
 */
export type Route = {
  readonly mailer: string
  readonly host: string
  readonly user: string
}
