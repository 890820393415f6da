// A person's name as the account has it, for a From: that the sender did not write.

/** The name in an account's GECOS field: up to the first comma, with `&` for the login (passwd(5); sendmail: buildfname). */
export function gecosName(gecos: string, login: string): string | undefined {
  const [field = ""] = gecos.split(/[,;%]/, 1)
  const name = field.replaceAll("&", login.charAt(0).toUpperCase() + login.slice(1)).trim()
  return name === "" ? undefined : name
}
