// What the settings say of the spool's space.
import { option, optionAt } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import { reserveOf } from "../spool/room.ts"

/** What the timelines may take; without a define, as much as the spool thinks fit for its disk. */
export function historyLimits(settings: Settings) {
  const octets = option(settings, "HistorySize")
  return {
    historyMilliseconds: option(settings, "HistoryTime") * 1000,
    ...(octets === 0 ? {} : { historyOctets: octets }),
  }
}

/** MinFreeBlocks, where a line sets it; else the disk's size says how much stays free. */
export function leastFree(settings: Settings, queue: string): number | undefined {
  return optionAt(settings, "MinFreeBlocks") === undefined
    ? undefined
    : reserveOf(queue, option(settings, "MinFreeBlocks"))
}
