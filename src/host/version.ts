// Which Waypost this is.
import packageJson from "../../package.json" with { type: "json" }

/** "0.1.0" */
export const version: string = packageJson.version

/** As trace fields, reports and HELP name the program. */
export const software = `Waypost ${version}`
