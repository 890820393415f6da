// What supervisor and mail process say to each other over the child's channel (structured clone, so Maps arrive as Maps).
import type { Settings } from "../config/settings.ts"
import type { TlsMaterial } from "../trust/tls-options.ts"
import type { Layout } from "./layout.ts"

/** Everything the mail process must be told at its start. */
export type Configuration = {
  readonly settings: Settings
  readonly layout: Layout
  /** Certificates and keys, which only the supervisor may read. */
  readonly tls: TlsMaterial
  /** A resolver instead of /etc/resolv.conf's: "127.0.0.1:5353". */
  readonly resolver: string | undefined
  readonly logFormat: "sendmail" | "json"
  /** The machine's own addresses. */
  readonly addresses: readonly string[]
  /** Mail is delivered with users' rights by a privileged agent. */
  readonly asRoot: boolean
  /** -q30m: seconds between queue runs, undefined: as each message's own schedule says. */
  readonly queueInterval: number | undefined
}

export type ToMail =
  | { readonly kind: "configure"; readonly configuration: Configuration; readonly listeners: number }
  /** Comes with a server handle, at the start or after a reload; who is to serve it stands at this place of the settings. */
  | { readonly kind: "listener"; readonly place: string }
  /** Comes with a socket: a client that came before the mail process was there. */
  | { readonly kind: "client"; readonly place: string }
  /** Nobody is to come in there any more; answered with "closed". */
  | { readonly kind: "close"; readonly places: readonly string[] }
  | { readonly kind: "reload"; readonly settings: Settings; readonly tls: TlsMaterial }
  | { readonly kind: "stop" }

export type FromMail =
  | { readonly kind: "listening"; readonly place: string }
  | { readonly kind: "closed" }
  | { readonly kind: "ready" }
  /** Somebody asked for a reload over the control socket; only the supervisor may read every file. */
  | { readonly kind: "reload" }
  /** It cannot start, in one line; the exit code follows sysexits(3). */
  | { readonly kind: "refused"; readonly why: string }
