// One row of the table of options: its type, the define() that sets it, its default, and a line of documentation.
import type { OptionValue } from "./settings.ts"

/** `seconds-m` and `seconds-d` count minutes and days where no unit is written; all are kept in seconds. */
export type OptionType =
  | "number"
  | "octets"
  | "seconds"
  | "seconds-m"
  | "seconds-h"
  | "seconds-d"
  | "boolean"
  | "string"
  | "list"

/** What is known of an option. */
export type OptionRow = {
  readonly type: OptionType
  readonly conf: string
  readonly byDefault: OptionValue | undefined
  readonly about: string
}

/** Makes a row. */
export function row<T extends OptionType, D extends OptionValue | undefined>(
  type: T,
  conf: string,
  byDefault: D,
  about: string,
) {
  return { type, conf, byDefault, about } as const
}

/** Seconds of a minute, an hour, a day. */
export const minute = 60
export const hour = 60 * minute
export const day = 24 * hour
