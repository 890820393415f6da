// The API described for programs (OpenAPI 3.1): every address, what it takes, what it does. The exact shapes of the answers are the
// types of api.ts, which `GET /api/openapi.json` names by their schema.

type Parameter = { readonly name: string; readonly says: string }
type Operation = {
  readonly says: string
  readonly query?: readonly Parameter[]
  readonly path?: Parameter
  /** Fields of the JSON body; a `?` behind a name: may be left out. */
  readonly body?: Readonly<Record<string, string>>
  /** Type of api.ts. */
  readonly answer: string
  readonly open?: true
}

const filter = {
  "ids?": "queue ids (array)",
  "to?": "part of a recipient's address",
  "from?": "part of the sender's address",
  "reason?": "part of the words it waits or is held with",
  "older?": "accepted longer ago: 45s, 30m, 4h, 2d",
  "state?": "any, held or waiting",
}
const change = {
  ...filter,
  "preview?": "true: only count and list (boolean)",
  "all?": "true where nothing else is named (boolean)",
  "because?": "why, for the timeline",
}
const filterQuery = Object.entries(filter)
  .filter(([name]) => name !== "ids?")
  .map(([name, says]) => ({ name: name.slice(0, -1), says }))

const operations: Readonly<Record<string, Operation>> = {
  "GET /healthz": { says: "The console lives.", answer: "text", open: true },
  "GET /readyz": { says: "The mail system answers; 503 when not.", answer: "text", open: true },
  "GET /metrics": { says: "Prometheus's text format.", answer: "text" },
  "GET /api/openapi.json": { says: "This description.", answer: "object" },
  "GET /api/session": { says: "Who is logged in, and the CSRF token.", answer: "Session" },
  "POST /api/login": {
    says: "Logs an administrator in.",
    body: { name: "of the users file", password: "", "totp?": "six digits" },
    answer: "Session",
    open: true,
  },
  "POST /api/logout": { says: "Ends the session.", body: {}, answer: "object" },
  "GET /api/now": { says: "Counts, the last hour, the queue, refusals, health.", answer: "Now" },
  "GET /api/events": { says: "What happens, live (text/event-stream of Live).", answer: "Live" },
  "GET /api/messages": {
    says: "Messages and refused sessions, the newest first.",
    query: [
      { name: "q", says: "words: ids, addresses, hosts, subjects" },
      { name: "limit", says: "at most so many (50)" },
    ],
    answer: "Messages",
  },
  "GET /api/messages/{id}": {
    says: "One message or session with its timeline.",
    path: { name: "id", says: "its id" },
    answer: "Message",
  },
  "GET /api/queue": {
    says: "A page of the queue.",
    query: [
      ...filterQuery,
      { name: "cursor", says: "of the page before" },
      { name: "limit", says: "at most so many (50)" },
    ],
    answer: "QueuePage",
  },
  "POST /api/queue/hold": { says: "Sets messages aside.", body: change, answer: "QueueChanged" },
  "POST /api/queue/release": { says: "Lets held messages go.", body: change, answer: "QueueChanged" },
  "POST /api/queue/remove": { says: "Takes messages out.", body: change, answer: "QueueChanged" },
  "POST /api/queue/retry": { says: "Tries messages now.", body: change, answer: "QueueChanged" },
  "POST /api/explain": {
    says: "A dry run of an address, a session or a message.",
    body: {
      kind: "address, session or message",
      "address?": "for an address",
      "client?": "an IP address",
      "helo?": "what the client calls itself",
      "from?": "the reverse-path",
      "to?": "forward-paths (array)",
      "message?": "the whole message",
    },
    answer: "ExplainAnswer",
  },
  "GET /api/config": { says: "The configuration's files and what each line does.", answer: "Config" },
  "POST /api/config/try": {
    says: "A change that is not made: diff, problems, what-if.",
    body: { file: "one of the files", text: "its new text", "addresses?": "to be compared (array)" },
    answer: "ConfigTried",
  },
  "PUT /api/config/file": {
    says: "Writes a file and reloads.",
    body: { file: "", text: "", version: "of the file that was changed", confirm: "true (boolean)" },
    answer: "ConfigWritten",
  },
  "POST /api/forensics": {
    says: "Judges a message.",
    body: {
      "text?": "the message",
      "id?": "or its id",
      "receiver?": "the host that took it in",
      "trusted?": "hosts that are believed (array)",
    },
    answer: "Forensics",
  },
  "GET /api/wait": {
    says: "Answers when such a message is accepted, or when the time is over.",
    query: [
      { name: "to", says: "part of a recipient's address" },
      { name: "from", says: "part of the sender's address" },
      { name: "subject", says: "part of the subject" },
      { name: "timeout", says: "30s; at most 10m" },
    ],
    answer: "Waited",
  },
  "GET /api/tokens": { says: "The API's tokens, without their secrets.", answer: "Tokens" },
}

/** The names of all operations: `GET /api/now`. */
export const operationNames: readonly string[] = Object.keys(operations)

export function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const [name, operation] of Object.entries(operations)) {
    const [method = "", path = ""] = name.split(" ")
    paths[path] = { ...paths[path], [method.toLowerCase()]: described(name, operation) }
  }
  return {
    openapi: "3.1.0",
    info: { title: "Waypost console", version, description: "docs/console.md tells how to log in." },
    security: [{ session: [] }, { token: [] }],
    paths,
    components: {
      securitySchemes: {
        session: { type: "apiKey", in: "cookie", name: "waypost" },
        token: { type: "http", scheme: "bearer" },
      },
      schemas: { ApiError: errorSchema },
    },
  }
}

const errorSchema = {
  type: "object",
  required: ["error"],
  properties: { error: { type: "string" }, hint: { type: "string" } },
}

function described(name: string, { says, query = [], path, body, answer, open }: Operation): object {
  const parameters = [
    ...query.map((one) => ({ ...parameter(one), in: "query" })),
    ...(path === undefined ? [] : [{ ...parameter(path), in: "path", required: true }]),
  ]
  return {
    operationId: name.replace(/[^A-Za-z]+/g, "_"),
    summary: says,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: bodyOf(body) }),
    ...(open === true ? { security: [] } : {}),
    responses: {
      200: { description: answer },
      default: { description: "what is wrong", content: json({ $ref: "#/components/schemas/ApiError" }) },
    },
  }
}

function parameter({ name, says }: Parameter): object {
  return { name, description: says, schema: { type: "string" } }
}

function bodyOf(fields: Readonly<Record<string, string>>): object {
  const entries = Object.entries(fields).map(
    ([name, says]) => [name.replace("?", ""), schemaOf(says)] as const,
  )
  const required = Object.keys(fields).filter((name) => !name.endsWith("?"))
  return {
    required: true,
    content: json({ type: "object", properties: Object.fromEntries(entries), required }),
  }
}

function schemaOf(says: string): object {
  if (says.includes("(array)")) return { type: "array", items: { type: "string" }, description: says }
  return { type: says.includes("(boolean)") ? "boolean" : "string", description: says }
}

function json(schema: object): object {
  return { "application/json": { schema } }
}
