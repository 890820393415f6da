// Where a user's mailbox is, by the path that the configuration gives for all of them.

/** `%u` is the login, `%h` the home. */
export function mailboxPath(
  template: string,
  { name, home }: { readonly name: string; readonly home: string },
): string {
  return template.replaceAll(/%[uh]/g, (word) => (word === "%u" ? name : home))
}
