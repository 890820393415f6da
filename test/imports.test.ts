// The layers of the house: who may import whom. A broken rule fails with its sentence.
import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { test } from "node:test"
import { parseSync } from "rolldown/utils"

const core = "mail message maps config auth routing policy queue filters smtp forensics".split(" ")
// Mailers ask the agent to deliver; the agent, which keeps root's rights, knows no mailer.
const shell = "host trust spool mailbox agent mailers daemon".split(" ")
const faces = "commands mua console lab".split(" ")
const layers = [...core, ...shell]

/** What the core may take from Node: computation, no disk, network, process or clock. `*` is all of it. */
const pure: Readonly<Record<string, string | readonly string[]>> = {
  "node:buffer": "*",
  "node:crypto": [
    "createHash",
    "createHmac",
    "hash",
    "pbkdf2Sync",
    "timingSafeEqual",
    "createPublicKey",
    "verify",
  ],
  "node:net": ["isIP", "isIPv4", "isIPv6"],
  "node:url": ["domainToASCII", "domainToUnicode"],
}

type Import = {
  readonly from: string
  readonly what: string
  readonly names: readonly string[]
  /** Nothing of it is there when the code runs. */
  readonly typesOnly?: boolean
}

const root = join(import.meta.dirname, "..")

function files(): string[] {
  return readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .map((path) => join("src", path))
}

/** Every module a file names, in `import`, `export … from` and `import()`. */
function importsOf(from: string): Import[] {
  const text = readFileSync(join(root, from), "utf8")
  const { staticImports, staticExports, dynamicImports } = parseSync(from, text).module
  return [
    ...staticImports.map((one) => ({
      from,
      what: one.moduleRequest.value,
      names: one.entries.map((entry) => entry.importName.name ?? "*"),
      typesOnly: one.entries.length > 0 && one.entries.every((entry) => entry.isType),
    })),
    ...staticExports
      .flatMap((one) => one.entries)
      .flatMap((entry) =>
        entry.moduleRequest ? [{ from, what: entry.moduleRequest.value, names: ["*"] }] : [],
      ),
    ...dynamicImports.map((one) => ({
      from,
      what: text.slice(one.moduleRequest.start + 1, one.moduleRequest.end - 1),
      names: ["*"],
    })),
  ]
}

function folderOf(file: string): string {
  return file.split("/")[1] ?? ""
}

function brokenRule({ from, what, names }: Import): string | undefined {
  const here = folderOf(from)
  const known = [...layers, ...faces].includes(here)
  if (!known) return `src/${here} is no folder of the house (docs/contributing.md lists them)`
  if (!what.startsWith(".")) return core.includes(here) ? brokenPurity(what, names) : undefined
  if (!/\.(?:ts|json)$/.test(what)) return "imports name the file with its ending"
  const there = folderOf(normalize(join(dirname(from), what)))
  if (here === there || what.endsWith(".json")) return undefined
  if (faces.includes(here)) return undefined
  if (faces.includes(there)) return "nothing imports a face"
  if (here === "smtp" && there === "policy")
    return "smtp/ knows nothing of policy: it asks a gate it is given"
  if (layers.indexOf(there) <= layers.indexOf(here)) return undefined
  return `${here}/ may import only folders that stand earlier in the tree, and ${there}/ stands later`
}

function brokenPurity(what: string, names: readonly string[]): string | undefined {
  const allowed = pure[what]
  if (allowed === "*" || names.every((name) => allowed?.includes(name) === true)) return undefined
  return "the core takes nothing from outside but pure computation: the shell hands it what it needs"
}

/** The ways through imports that lead back to where they began, each once. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const seen = path.indexOf(file)
    if (seen >= 0) found.push([...path.slice(seen), file].join(" → "))
    if (seen >= 0 || done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}

test("every import keeps to the layers", () => {
  const broken = files()
    .flatMap(importsOf)
    .flatMap((one) => {
      const rule = brokenRule(one)
      return rule === undefined ? [] : [`${one.from} imports ${one.what}: ${rule}`]
    })
  assert.deepEqual(broken, [])
})

test("no file imports itself by a detour", () => {
  const graph = new Map(
    files().map(
      (file) => [file, importsOf(file).map(({ what }) => normalize(join(dirname(file), what)))] as const,
    ),
  )
  assert.deepEqual(cycles(graph), [])
})

test("mailauth is loaded by the threads for signatures alone, which begin with the first message that needs them", () => {
  const loads = files()
    .flatMap(importsOf)
    .filter(({ typesOnly }) => typesOnly !== true)
    .map(({ from, what }) => ({
      from,
      what: what.startsWith(".") ? normalize(join(dirname(from), what)) : what,
    }))
  const loaders = new Set<string>(["mailauth"])
  for (let size = 0; size < loaders.size; ) {
    size = loaders.size
    for (const { from, what } of loads)
      if (loaders.has(what) || what.startsWith("mailauth/")) loaders.add(from)
  }
  loaders.delete("mailauth")
  assert.deepEqual([...loaders].toSorted(), [
    "src/trust/mailauth-keys.ts",
    "src/trust/mailauth-thread.ts",
    "src/trust/mailauth-verify.ts",
  ])
})

test("no file only passes on what others export", () => {
  assert.deepEqual(
    files().filter((file) => file.endsWith("/index.ts")),
    [],
  )
})

test("the rules are seen when they are broken", () => {
  const sentences = [
    { from: "src/mail/a.ts", what: "../config/b.ts", names: ["x"] },
    { from: "src/smtp/a.ts", what: "../policy/b.ts", names: ["x"] },
    { from: "src/queue/a.ts", what: "node:fs", names: ["readFileSync"] },
    { from: "src/queue/a.ts", what: "node:crypto", names: ["randomBytes"] },
    { from: "src/daemon/a.ts", what: "../commands/b.ts", names: ["x"] },
    { from: "src/host/a.ts", what: "../spool/b.ts", names: ["x"] },
    { from: "src/extra/a.ts", what: "../mail/b.ts", names: ["x"] },
  ].map(brokenRule)
  assert.equal(sentences.filter((one) => one === undefined).length, 0)
})
