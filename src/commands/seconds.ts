// Durations in arguments.

/** A number of seconds as written, `otherwise` when nothing is; undefined when it is no number. */
export function seconds(text: string | undefined, otherwise: number): number | undefined {
  if (text === undefined) return otherwise
  return /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : undefined
}
