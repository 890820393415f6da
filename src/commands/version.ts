// Which Waypost this is.
import packageJson from "../../package.json" with { type: "json" }

/** "0.1.0" */
export const version: string = packageJson.version

/** As it is printed by --version. */
export const versionLine: string = `Waypost ${version} (Node ${process.versions.node}, ${process.platform} ${process.arch})`
