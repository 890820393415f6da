// What a sendmail.mc says, word by word, before it is settled: each statement with the line it stands on.
import type { Origin } from "../mail/decision.ts"

export type Statement =
  | { readonly kind: "feature"; readonly name: string; readonly args: readonly string[]; readonly at: Origin }
  | { readonly kind: "mailer"; readonly name: string; readonly at: Origin }
  | {
      readonly kind: "class"
      readonly class: string
      readonly members: readonly string[]
      readonly at: Origin
    }
  | { readonly kind: "class-file"; readonly class: string; readonly spec: string; readonly at: Origin }
  | { readonly kind: "macro"; readonly name: string; readonly value: string; readonly at: Origin }
  | { readonly kind: "daemon" | "client"; readonly text: string; readonly at: Origin }
  | {
      readonly kind: "filter" | "queue-group"
      readonly name: string
      readonly equates: string
      readonly inUse: boolean
      readonly at: Origin
    }
  | { readonly kind: "mailer-flags"; readonly mailer: string; readonly change: string; readonly at: Origin }
  | { readonly kind: "option"; readonly name: string; readonly value: string; readonly at: Origin }
  | {
      readonly kind: "map"
      readonly name: string
      readonly class: string
      readonly args: string
      readonly at: Origin
    }
