// The one door to the C library, through node:ffi: how calls are loaded, and what their failures are called. Which calls there are
// stands in posix.ts (files, rights, limits) and sockets.ts; nothing else in the house loads a library.
import type { dlopen as Dlopen } from "node:ffi"
import { constants } from "node:os"

type Signatures = NonNullable<Parameters<typeof Dlopen>[1]>

/** Every list of calls has this one: where the thread keeps its errno, one address for its life. Asked before it is needed. */
export const errnoLocation = { arguments: [], return: "pointer" } as const

/** Loads calls of libc; throws where there is no such library. Only here is node:ffi itself loaded: few commands come so far. */
export function loadLibc<const S extends Signatures>(
  signatures: S,
): ReturnType<typeof Dlopen<S>>["functions"] {
  return process.getBuiltinModule("node:ffi").dlopen(libraryName(), signatures).functions
}

function libraryName(): string {
  if (process.platform === "linux") return "libc.so.6"
  throw new Error(`file locks and users' rights need Linux's C library; this is ${process.platform}`)
}

/** A call of libc that failed, in the shape of Node's own errors. */
export function failureOf(call: string, place: bigint): NodeJS.ErrnoException {
  const errno = process.getBuiltinModule("node:ffi").getInt32(place) // before anything else can change it
  const code = nameOf(errno)
  return Object.assign(new Error(`${code}: ${call} failed`), { code, errno, syscall: call })
}

let names: ReadonlyMap<number, string> | undefined

function nameOf(errno: number): string {
  // Reversed, so that EAGAIN stands and not its other name EWOULDBLOCK.
  names ??= new Map(
    Object.entries(constants.errno)
      .toReversed()
      .map(([name, number]) => [number, name]),
  )
  return names.get(errno) ?? String(errno)
}
