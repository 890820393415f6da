// The file of passwords for SMTP AUTH (STATE/sasldb), as saslpasswd2 keeps it: one login of one realm a line. CRAM-MD5 and
// DIGEST-MD5 can only be checked by who knows the password itself, so it is here as it is; nobody but the mail system reads it.
//   login TAB realm TAB password in base64
// Lines that begin with # are comments.

export type SaslUser = { readonly login: string; readonly realm: string; readonly password: string }

/** The users of the file's text; a line that is none is left out. */
export function parseSaslUsers(text: string): readonly SaslUser[] {
  return text.split("\n").flatMap((line) => {
    const [login = "", realm = "", password, extra] = line.split("\t")
    if (line.startsWith("#") || login === "" || password === undefined || extra !== undefined) return []
    return [{ login, realm, password: Buffer.from(password, "base64").toString("utf8") }]
  })
}

/** The text with this user added, or in place of the one of the same login and realm. */
export function withSaslUser(text: string, user: SaslUser): string {
  return `${withoutSaslUser(text, user)}${user.login}\t${user.realm}\t${Buffer.from(user.password).toString("base64")}\n`
}

/** The text without this user. */
export function withoutSaslUser(text: string, { login, realm }: Pick<SaslUser, "login" | "realm">): string {
  const kept = text.split("\n").filter((line) => line !== "" && !line.startsWith(`${login}\t${realm}\t`))
  return kept.map((line) => `${line}\n`).join("")
}

/** Why this cannot be a login or a realm; undefined when it can. */
export function badSaslName(name: string): string | undefined {
  if (/^[^\s\p{Cc}#][^\s\p{Cc}]{0,254}$/u.test(name)) return undefined
  return `"${name}" cannot be a name: no blanks, no control characters, no # at its beginning`
}
