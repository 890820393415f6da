// The API described for programs (OpenAPI 3.1): every address, what it takes, what it answers. A test walks it and holds each answer
// against it.
import { schemas } from "./schemas.ts"

type Parameter = { readonly name: string; readonly says: string }
type Operation = {
  readonly says: string
  readonly query?: readonly Parameter[]
  readonly path?: Parameter
  /** Of schemas.ts, as JSON. */
  readonly body?: string
  /** Of schemas.ts, as JSON; or a text of this type. */
  readonly answer: string | { readonly type: string; readonly says: string }
  readonly open?: true
}

const filterQuery: readonly Parameter[] = [
  { name: "to", says: "part of a recipient's address" },
  { name: "from", says: "part of the sender's address" },
  { name: "destination", says: "where it goes, as GET /api/now names it" },
  { name: "reason", says: "part of the words it waits or is held with" },
  { name: "older", says: "accepted longer ago: 45s, 30m, 4h, 2d" },
  { name: "state", says: "any, held or waiting" },
]

const operations: Readonly<Record<string, Operation>> = {
  "GET /healthz": { says: "The console lives.", answer: { type: "text/plain", says: "ok" }, open: true },
  "GET /readyz": {
    says: "The mail system answers; 503 when not.",
    answer: { type: "text/plain", says: "ready" },
    open: true,
  },
  "GET /metrics": {
    says: "What the mail system counts.",
    answer: { type: "text/plain", says: "Prometheus's text format" },
  },
  "GET /api/openapi.json": {
    says: "This description.",
    answer: { type: "application/json", says: "OpenAPI 3.1" },
  },
  "GET /api/session": { says: "Who is logged in, and the CSRF token.", answer: "Session" },
  "POST /api/login": {
    says: "Logs an administrator in.",
    body: "Login",
    answer: "Session",
    open: true,
  },
  "POST /api/logout": { says: "Ends the session.", body: "Nothing", answer: "Done" },
  "GET /api/now": { says: "Counts, the last hour, the queue, refusals, health.", answer: "Now" },
  "GET /api/events": {
    says: "What happens, live.",
    answer: { type: "text/event-stream", says: "each event's data is a Live" },
  },
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
  "POST /api/queue/hold": { says: "Sets messages aside.", body: "QueueChange", answer: "QueueChanged" },
  "POST /api/queue/release": { says: "Lets held messages go.", body: "QueueChange", answer: "QueueChanged" },
  "POST /api/queue/remove": { says: "Takes messages out.", body: "QueueChange", answer: "QueueChanged" },
  "POST /api/queue/retry": { says: "Tries messages now.", body: "QueueChange", answer: "QueueChanged" },
  "POST /api/explain": {
    says: "A dry run of an address, a session or a message.",
    body: "ExplainAsked",
    answer: "ExplainAnswer",
  },
  "GET /api/config": { says: "The configuration's files and what each line does.", answer: "Config" },
  "POST /api/config/try": {
    says: "A change that is not made: diff, problems, what-if.",
    body: "ConfigTry",
    answer: "ConfigTried",
  },
  "PUT /api/config/file": {
    says: "Writes a file and reloads.",
    body: "ConfigWrite",
    answer: "ConfigWritten",
  },
  "POST /api/forensics": {
    says: "Judges a message.",
    body: "ForensicsAsked",
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

/** The whole description; the cookie is named for this console's port. */
export function openApi(version: string, cookie: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const [name, operation] of Object.entries(operations)) {
    const [method = "", path = ""] = name.split(" ")
    paths[path] = { ...paths[path], [method.toLowerCase()]: described(name, operation) }
  }
  return {
    openapi: "3.1.0",
    info: { title: "Waypost console", version, description: "docs/console.md tells how to log in." },
    security: [{ session: [], csrf: [] }, { token: [] }],
    paths,
    components: {
      securitySchemes: {
        session: { type: "apiKey", in: "cookie", name: cookie },
        csrf: { type: "apiKey", in: "header", name: "X-CSRF-Token", description: "with all but GET" },
        token: { type: "http", scheme: "bearer", description: "waypost token new NAME" },
      },
      schemas,
    },
  }
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
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(body) } }),
    ...(open === true ? { security: [] } : {}),
    responses: {
      200:
        typeof answer === "string"
          ? { description: answer, content: json(answer) }
          : { description: answer.says, content: { [answer.type]: {} } },
      default: { description: "what is wrong, and what to do", content: json("ApiError") },
    },
  }
}

function parameter({ name, says }: Parameter): object {
  return { name, description: says, schema: { type: "string" } }
}

function json(schema: string): object {
  return { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } }
}
