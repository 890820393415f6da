// What the mail process gives up when it starts, whoever started it: it reads what strangers send.
import { noNewPrivileges, setLimit } from "../host/posix.ts"

/** Processes and threads of its user: more than it ever needs, and too few to smother the machine. */
const mostProcesses = 4096

/** No core dumps of others' mail, no rights by set-uid programs, files for nobody else, and an end to processes. */
export function confineMail(): void {
  process.umask(0o077)
  setLimit("core", 0)
  noNewPrivileges()
  try {
    setLimit("processes", mostProcesses)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error // a lower limit stands already
  }
}
