// The thread that waits for syncfs(2), so that the agent does not: a descriptor in, an error's text or undefined out.
import { parentPort } from "node:worker_threads"
import { syncfs } from "../host/posix.ts"

parentPort?.on("message", (fd: number) => parentPort?.postMessage(attempt(fd), []))

function attempt(fd: number): string | undefined {
  try {
    syncfs(fd)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}
