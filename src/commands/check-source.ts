// What `waypost check` looks at: a sendmail.mc, a sendmail.cf, or a directory with either, such as /etc/mail or a copy of it. Nothing
// is written, and files that the configuration names in /etc/mail are looked for in that directory first.
import { existsSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { type Cf, readCf } from "../config/cf.ts"
import type { Issue } from "../config/issues.ts"
import { loadSettings } from "../config/load.ts"
import type { Settings, TableSpec } from "../config/settings.ts"
import type { HostFacts } from "../host/facts.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { ReadText } from "../mail/world.ts"
import { readText } from "./configuration.ts"
import { systemConfiguration } from "./state.ts"

export type CheckSource = {
  /** The directory that stands for /etc/mail. */
  readonly directory: string
  readonly mc: string | undefined
  readonly cf: string | undefined
}

/** What is at a path; without one, the machine's own configuration. */
export function findSource(operand: string | undefined, cwd: string): Result<CheckSource> {
  const path = resolve(cwd, operand ?? dirname(systemConfiguration))
  if (!existsSync(path)) return fail(`${path}: there is no such file or directory`)
  if (!statSync(path).isDirectory()) {
    const isCf = path.endsWith(".cf")
    return ok({ directory: dirname(path), mc: isCf ? undefined : path, cf: isCf ? path : undefined })
  }
  const inside = (name: string) => (existsSync(join(path, name)) ? join(path, name) : undefined)
  const mc = inside("sendmail.mc")
  const cf = inside("sendmail.cf")
  if (mc === undefined && cf === undefined) return fail(`${path} has neither a sendmail.mc nor a sendmail.cf`)
  return ok({ directory: path, mc, cf })
}

/** Where a file of /etc/mail lies in the directory that is looked at. */
export function located(path: string, directory: string): string {
  const home = dirname(systemConfiguration)
  if (!path.startsWith(`${home}/`)) return path
  const here = join(directory, path.slice(home.length + 1))
  return [here, `${here}.cdb`, `${here}.db`].some((one) => existsSync(one)) ? here : path
}

/** Reads files as the configuration names them. */
export function reader(directory: string): ReadText {
  return (path) => readText(located(path, directory))
}

export type ReadMc = { readonly settings: Settings | undefined; readonly issues: readonly Issue[] }

/** The sendmail.mc as settings of that host; tables are those of the directory. */
export function readSourceMc(
  file: string,
  { directory }: CheckSource,
  host: HostFacts,
  state: string,
): Result<ReadMc> {
  const text = readText(file)
  if (!text.ok) return text
  const { settings, issues } = loadSettings({
    source: { file, text: text.value },
    read: reader(directory),
    place: { ...host, state, root: true },
  })
  const here = (spec: TableSpec) => ({ ...spec, file: located(spec.file, directory) })
  return ok({ settings: settings && { ...settings, tables: settings.tables.map(here) }, issues })
}

/** The sendmail.cf as it would be on that host; maps are those of the directory. */
export function readSourceCf(file: string, { directory }: CheckSource, host: HostFacts): Result<Cf> {
  const text = readText(file)
  if (!text.ok) return text
  const cf = readCf(file, text.value, reader(directory), host)
  const maps = new Map(
    [...cf.maps].map(([name, map]) => [name, { ...map, args: withPaths(map.args, directory) }] as const),
  )
  return ok({ ...cf, maps })
}

function withPaths(args: string, directory: string): string {
  return args.replaceAll(/(^|\s)(\/\S+)/g, (_, before: string, path: string) => {
    const plain = path.replace(/\.db$/, "")
    return `${before}${located(plain, directory)}`
  })
}
