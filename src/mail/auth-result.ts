// What one way of vouching for a message came to, as Authentication-Results tells it (RFC 8601).

/** One method's result: `spf=pass (why) smtp.mailfrom=example.org`. */
export type AuthResult = {
  readonly method: string
  readonly result: string
  /** For people; a comment. */
  readonly comment?: string | undefined
  /** `smtp.mailfrom`, `header.d` … and their values. */
  readonly properties: Readonly<Record<string, string>>
}
