// Settings while they are being made: what settle.ts and its parts fill in.
import type { ReadText } from "../mail/world.ts"
import type { Classes, HostNames } from "./classes.ts"
import type { Issue } from "./issues.ts"
import type { McResult } from "./mc.ts"
import type {
  DaemonOptions,
  FeatureUse,
  FilterDefinition,
  MailerDefinition,
  MapDeclaration,
  OptionValue,
  QueueGroup,
  Setting,
  TableSpec,
} from "./settings.ts"

/** What the host is and where this system keeps its own things. */
export type Place = HostNames & {
  readonly state: string
  /** Whether everything runs as root: then mailboxes are the system's. */
  readonly root: boolean
}

/** Settings while they are made. */
export type Draft = {
  readonly options: Map<string, Setting<OptionValue>>
  readonly macros: Map<string, Setting<string>>
  readonly classes: Classes
  readonly features: Map<string, FeatureUse[]>
  readonly daemons: DaemonOptions[]
  readonly clients: DaemonOptions[]
  readonly mailers: Map<string, MailerDefinition>
  readonly tables: TableSpec[]
  readonly maps: Map<string, MapDeclaration>
  readonly filters: Map<string, FilterDefinition>
  readonly queueGroups: Map<string, QueueGroup>
  readonly issues: Issue[]
  readonly mc: McResult
  readonly place: Place
  readonly read: ReadText
}

/** Nothing said yet. */
export function newDraft(mc: McResult, place: Place, read: ReadText): Draft {
  return {
    options: new Map(),
    macros: new Map(),
    classes: new Map(),
    features: new Map(),
    daemons: [],
    clients: [],
    mailers: new Map(),
    tables: [],
    maps: new Map(),
    filters: new Map(),
    queueGroups: new Map(),
    issues: [],
    mc,
    place,
    read,
  }
}
