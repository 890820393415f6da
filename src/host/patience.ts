// Waiting for an answer, but not for ever.

/** The answer, or undefined when it has not come after so many milliseconds. */
export async function patience<T>(answer: Promise<T>, milliseconds: number): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, milliseconds, undefined)
  try {
    return await Promise.race([answer, promise])
  } finally {
    clearTimeout(timer)
  }
}
