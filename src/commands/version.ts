// How --version says which Waypost this is.
import { software } from "../host/version.ts"

/** As it is printed by --version. */
export const versionLine: string = `${software} (Node ${process.versions.node}, ${process.platform} ${process.arch})`
