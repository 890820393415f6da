// How the mail process ends: what is in hand is finished, but nobody waits long for those who say nothing.
import type { Leaving } from "../host/leaving.ts"
import { patience } from "../host/patience.ts"

/** Sessions with clients get so long to end; one between two commands has heard 421 at once (milliseconds). */
const sessionsEndWithin = 5000
/** A host that answers has taken its message by then; one that says nothing is left. */
const graceForDeliveries = 1000
/**
 * What cannot be left gets so long, from the beginning of the stop: a host that has a message whole and has not said yet whether it
 * takes it, a program that reads one. What is not done by then may be delivered twice, so it is worth a wait.
 */
const allEndsWithin = 20_000

export type Work = {
  /** Resolves when every session has ended. */
  readonly sessions: () => Promise<unknown>
  /** Nothing new is begun; resolves when what is in hand is done. */
  readonly deliveries: () => Promise<void>
  readonly leaving: Leaving
}

/** Resolves when all is done, or can wait no longer: what is left then stays in the spool. */
export async function endWork({ sessions, deliveries, leaving }: Work): Promise<void> {
  const began = performance.now()
  await patience(sessions(), sessionsEndWithin)
  const done = deliveries()
  await patience(done, graceForDeliveries)
  leaving.begin()
  await patience(done, allEndsWithin - (performance.now() - began))
}
