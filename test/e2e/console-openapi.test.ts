// The API is what its OpenAPI says: each operation is walked, what goes in and what comes out are held against the description; and
// what comes out is what the commands print with --json.
import assert from "node:assert/strict"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import type { Config } from "../../src/console/api-config.ts"
import { ConsoleUser, type Reply, send } from "../kit/console.ts"
import { mismatches } from "../kit/json-schema.ts"
import { forged, giveToConsole, startOffice } from "../kit/office.ts"
import { handIn, type System } from "../kit/system.ts"

type Schema = { readonly [key: string]: unknown }
type Content = Readonly<Record<string, { readonly schema?: Schema }>>
type Operation = {
  readonly parameters?: readonly { readonly name: string; readonly in: "query" | "path" }[]
  readonly requestBody?: { readonly content: Content }
  readonly security?: readonly unknown[]
  readonly responses: {
    readonly 200: { readonly content: Content }
    readonly default: { readonly content: Content }
  }
}
type Description = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

let system: System
let user: ConsoleUser
let api: Description
let queued: string
let delivered: string

before(async () => {
  system = await startOffice()
  await giveToConsole(join(system.directory, "tables/virtusertable"))
  const away = { from: "me@grussell.org", to: ["friend@example.org", "team@grussell.org"] }
  const text = "From: me@grussell.org\nTo: friend@example.org\nSubject: walk\n\nhello\n"
  assert.match(await handIn(system, { ...away, text }), /^250/)
  assert.match(await handIn(system, { ...away, to: ["me@grussell.org"], text }), /^250/)
  assert.match(await handIn(system, { ...away, from: "spammer@hello.com", text }), /^550/)
  assert.equal((await system.waypost("idle")).code, 0)
  user = await ConsoleUser.enter(system)
  api = (await user.get("/api/openapi.json")).json as Description
  const listed = JSON.parse((await system.waypost("queue", "list", "--json")).stdout) as {
    readonly id: string
  }
  queued = listed.id
  const found = (await user.get("/api/messages?q=delivered")).json as {
    readonly messages: readonly { id: string }[]
  }
  delivered = found.messages.find(({ id }) => id !== queued)?.id ?? assert.fail("nothing was delivered")
})

after(async () => system.stop())

async function virtusertable(): Promise<Config["files"][number]> {
  const { files } = (await user.get("/api/config")).json as Config
  return files.find(({ name }) => name === "virtusertable") ?? assert.fail("it is not shown")
}

/** What is asked in each walk: values of the query and the path, and bodies; a body that is refused is given with its code. */
type Walk = {
  readonly query?: Readonly<Record<string, string>>
  readonly id?: string
  readonly body?: object
  readonly code?: number
}

async function walks(): Promise<Readonly<Record<string, readonly Walk[]>>> {
  const { file } = await virtusertable()
  const text = "info@grussell.org\tjim\n"
  const change = { ids: [queued] }
  return {
    "GET /api/session": [{}],
    "GET /api/openapi.json": [{}],
    "GET /healthz": [{}],
    "GET /readyz": [{}],
    "GET /metrics": [{}],
    "POST /api/login": [{ body: { name: "me", password: "wrong", totp: "000000" }, code: 401 }],
    "GET /api/now": [{}],
    "GET /api/messages": [{}, { query: { q: "walk", limit: "2" } }, { query: { q: "refused" } }],
    "GET /api/messages/{id}": [{ id: queued }, { id: delivered }],
    "GET /api/queue": [
      {},
      {
        query: {
          to: "example.org",
          from: "me@",
          destination: "[127.0.0.1]",
          reason: "refused",
          older: "0s",
          state: "waiting",
          limit: "1",
        },
      },
      { query: { cursor: queued } },
    ],
    "POST /api/queue/hold": [
      { body: { ...change, preview: true } },
      { body: { ...change, because: "walk" } },
    ],
    "POST /api/queue/release": [
      { body: { to: "friend", from: "me@", reason: "walk", older: "0s", state: "held" } },
    ],
    "POST /api/queue/retry": [{ body: change }],
    "POST /api/queue/remove": [
      { body: { all: true, preview: true } },
      { body: { ids: ["0AAAAAA00000000"] } },
    ],
    "POST /api/explain": [
      { body: { kind: "address", address: "round@grussell.org", from: "a@hello.com", client: "192.0.2.7" } },
      { body: { kind: "address", address: "nosuch@grussell.org" } },
      {
        body: {
          kind: "session",
          client: "192.0.2.7",
          helo: "hello.com",
          from: "",
          to: ["me@grussell.org", "x@y.example"],
        },
      },
      {
        body: {
          kind: "message",
          message: forged,
          client: "127.0.0.1",
          helo: "h",
          from: "a@b.example",
          to: ["team@grussell.org"],
        },
      },
    ],
    "GET /api/config": [{}],
    "POST /api/config/try": [
      { body: { file, text, addresses: ["info@grussell.org"] } },
      { body: { file, text: "nothing-behind\n" } },
    ],
    "PUT /api/config/file": [{ body: { file, text, version: "0", confirm: true }, code: 409 }],
    "POST /api/forensics": [
      { body: { text: forged, receiver: "mail.grussell.org", trusted: ["mx.grussell.org"] } },
      { body: { id: delivered } },
    ],
    "GET /api/wait": [
      { query: { to: "friend", from: "me@", subject: "walk", timeout: "10s" } },
      { query: { subject: "never", timeout: "10ms" } },
    ],
    "GET /api/tokens": [{}],
  }
}

function ask(name: string, { query, id = "", body }: Walk): Promise<Reply> {
  const [method = "", path = ""] = name.split(" ")
  const words = new URLSearchParams(query).toString()
  const where = `${path.replace("{id}", id)}${words === "" ? "" : `?${words}`}`
  return method === "GET" ? user.get(where) : user.send(method as "POST" | "PUT", where, body ?? {})
}

function fits(value: unknown, schema: Schema | undefined, what: string): void {
  assert.ok(schema !== undefined, `${what}: nothing is said of it`)
  assert.deepEqual(mismatches(value, schema, api.components.schemas), [], what)
}

const operations = () =>
  Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => [`${method.toUpperCase()} ${path}`, one] as const),
  )

test("each operation answers what its description says, to what its description takes", async () => {
  await system.waypost("token", "new", "walk")
  const given = await walks()
  const untold: string[] = []
  for (const [name, operation] of operations()) {
    if (name === "GET /api/events" || name === "POST /api/logout") continue // each has a test of its own
    const told = given[name] ?? []
    if (told.length === 0) untold.push(name)
    for (const walk of told) {
      if (walk.body !== undefined)
        fits(walk.body, operation.requestBody?.content["application/json"]?.schema, name)
      const parameters = new Set(operation.parameters?.map((one) => one.name))
      for (const word of Object.keys(walk.query ?? {})) assert.ok(parameters.has(word), `${name}: ${word}`)
      const answer = await ask(name, walk)
      assert.equal(answer.status, walk.code ?? 200, `${name}: ${answer.text.slice(0, 300)}`)
      const { content } = operation.responses[answer.status === 200 ? 200 : "default"]
      const [type = ""] = Object.keys(content)
      assert.ok(String(answer.headers["content-type"]).startsWith(type), `${name}: ${type}`)
      if (content[type]?.schema !== undefined) fits(answer.json, content[type].schema, name)
    }
  }
  assert.deepEqual(untold, [], "no walk goes there")
})

test("every parameter and every field of a body that is described is walked", async () => {
  const given = await walks()
  for (const [name, { parameters = [] }] of operations()) {
    const asked = new Set(
      (given[name] ?? []).flatMap(({ query, id }) => [...Object.keys(query ?? {}), ...(id ? ["id"] : [])]),
    )
    for (const one of parameters) assert.ok(asked.has(one.name), `${name}: ${one.name}`)
  }
})

test("the description names the server's addresses, each one and no other", () => {
  const source = readFileSync(join(import.meta.dirname, "../../src/console/app.ts"), "utf8")
  const verbs = ["hold", "release", "remove", "retry"]
  const served = [...source.matchAll(/app\.(get|post|put)\(\s*["`](\/[^"`]*)["`]/g)].flatMap(
    ([, method = "", path = ""]) =>
      (path.includes("${verb}") ? verbs : [""]).map(
        (verb) => `${method.toUpperCase()} ${path.replace("${verb}", verb).replace(":id", "{id}")}`,
      ),
  )
  const pages = new Set(["GET /login/:secret"]) // a link for people, no part of the API
  assert.deepEqual(
    operations()
      .map(([name]) => name)
      .toSorted(),
    served.filter((name) => !pages.has(name)).toSorted(),
  )
})

test("what is missing or of another kind is refused with words, never guessed at", async () => {
  const bodies: readonly (readonly [string, unknown])[] = [
    ["POST /api/explain", {}],
    ["POST /api/explain", { kind: "spell" }],
    ["POST /api/explain", { kind: "address", address: 7 }],
    ["POST /api/explain", { kind: "session", client: "nowhere", from: "", to: ["me"] }],
    ["POST /api/explain", { kind: "session", client: "192.0.2.1", from: "", to: [] }],
    ["POST /api/queue/hold", { ids: "all" }],
    ["POST /api/queue/hold", { ids: ["../../etc/passwd"] }],
    ["POST /api/queue/hold", { older: "yesterday" }],
    ["POST /api/queue/hold", { state: "lost" }],
    ["POST /api/queue/hold", { all: "yes" }],
    ["POST /api/config/try", { file: 1, text: "" }],
    ["POST /api/forensics", {}],
    ["POST /api/forensics", { text: "" }],
    ["POST /api/login", { name: "me" }],
    ["POST /api/login", ["me"]],
  ]
  for (const [name, body] of bodies) {
    const answer = await ask(name, { body: body as object })
    assert.equal(answer.status, 400, `${name} ${JSON.stringify(body)}: ${answer.text}`)
    fits(answer.json, api.components.schemas["ApiError"], name)
  }
  for (const path of [
    "/api/queue?limit=0",
    "/api/queue?limit=x",
    "/api/queue?cursor=..",
    "/api/queue?older=x",
    "/api/wait?timeout=1h",
  ])
    assert.equal((await user.get(path)).status, 400, path)
})

test("whoever is not in hears 401 of every operation that is not open", async () => {
  for (const [name, { security }] of operations()) {
    const [method = "", path = ""] = name.split(" ")
    const { status } = await send(
      user.origin + path.replace("{id}", delivered),
      method,
      method === "GET" ? {} : { body: {} },
    )
    if (security === undefined) assert.equal(status, 401, name)
    else assert.notEqual(status, 401, name)
  }
})

test("the answers are what the commands print with --json", async () => {
  const json = async (...words: readonly string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await system.waypost(...words)
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }
  const { messages } = (await user.get("/api/queue")).json as { readonly messages: readonly unknown[] }
  assert.deepEqual(messages, [await json("queue", "list", "--json")])

  const shown = (await user.get(`/api/messages/${queued}`)).json as Readonly<Record<string, unknown>>
  const { id: _id, envelope: _envelope, fields: _fields, ...rest } = shown
  assert.deepEqual(rest, await json("show", queued, "--json"))

  const address = "team@grussell.org"
  const { explained } = (await user.send("POST", "/api/explain", { kind: "address", address })).json as {
    readonly explained: readonly [Readonly<Record<string, unknown>>]
  }
  const { tree: _tree, ...plain } = explained[0]
  assert.deepEqual(plain, await json("explain", address, "--json"))

  const { settings } = (await user.get("/api/config")).json as Config
  assert.deepEqual(
    settings,
    await json("config", "--diff", "--json", "--config", join(system.directory, "sendmail.mc")),
  )

  const { destinations } = (await user.get("/api/now")).json as { readonly destinations: readonly unknown[] }
  const summed = (await system.waypost("queue", "summary", "--json")).stdout.trim().split("\n")
  assert.deepEqual(
    destinations,
    summed.map((line) => {
      const { destination, total, ...columns } = JSON.parse(line) as Readonly<Record<string, unknown>>
      return { destination, total, counts: Object.values(columns) }
    }),
  )

  const file = join(system.directory, "forged.eml")
  writeFileSync(file, forged)
  const receiver = "mail.grussell.org"
  const judged = (await user.send("POST", "/api/forensics", { text: forged, receiver })).json as Readonly<
    Record<string, unknown>
  >
  const { header: _header, svg: _svg, ...verdict } = judged
  const printed = JSON.parse(
    (await system.waypost("forensics", "--json", "--receiver", receiver, file)).stdout,
  ) as Readonly<Record<string, unknown>>
  for (const [name, value] of Object.entries(verdict)) assert.deepEqual(printed[name], value, name)
})

test("logging out is a POST that ends the session, and its answer is as described", async () => {
  const other = await ConsoleUser.enter(system)
  const answer = await other.send("POST", "/api/logout", {})
  fits(answer.json, api.components.schemas["Done"], "logout")
  assert.equal((await other.get("/api/session")).status, 401)
})
