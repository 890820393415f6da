// What is there at once, or comes. Most questions about a message are answered from memory; to wait for each of them all the same
// would cost it more than the answers do.

/** At once where nothing has to be waited for. */
export type Soon<T> = T | Promise<T>

/** Goes on with it: now, when it is there. */
export function whenThere<T, U>(value: Soon<T>, use: (value: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then(use) : use(value)
}

/** All of them, in their order: now, when they are there. */
export function allThere<T>(values: readonly Soon<T>[]): Soon<readonly T[]> {
  const there = values.filter((value): value is T & Soon<T> => !(value instanceof Promise))
  return there.length === values.length ? there : Promise.all(values)
}
