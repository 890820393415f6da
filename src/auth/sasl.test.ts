import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import { test } from "node:test"
import fc from "fast-check"
import { because, later, no, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import {
  authenticationFailed,
  begin,
  isLetBy,
  type Logins,
  type Mechanism,
  mechanisms,
  proceed,
  type SaslWorld,
  type Step,
} from "./sasl.ts"
import { chooseExchange, type ClientExchange, type Credentials, parseAuthInfo } from "./sasl-client.ts"
import { clientFinal, clientFirst, readClientFirst, serverFinal, verifierOf } from "./scram.ts"

const known = because("users", "STATE/users")
const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64")

/** gor's password is "pencil"; the login is written "gor". */
function logins(over: Partial<Logins> = {}): Logins {
  const verifier = verifierOf("pencil", salt, 4096)
  return {
    password: async (login, password) =>
      login === "gor" && password === "pencil" ? yes("gor", known) : no(authenticationFailed, known),
    verifier: async (login) => yes(login === "gor" ? verifier : verifierOf("another", salt, 4096), known),
    secret: async (login) => (login === "gor" ? yes("pencil", known) : no(authenticationFailed, known)),
    external: async (wanted) =>
      wanted === "" || wanted === "gor" ? yes("gor", known) : no(authenticationFailed, known),
    nonce: () => "server-nonce",
    ...over,
  }
}

const world = { logins: logins(), hostname: "grussell.org" }

/** Plays the exchange to its end: "yes gor", "no 535", "malformed". */
async function play(mechanism: Mechanism, responses: readonly string[], first?: string): Promise<string> {
  let step: Step = await begin(mechanism, first, world)
  for (const response of responses) {
    if (step.kind !== "challenge") break
    step = await proceed(step.exchange, response, world)
  }
  if (step.kind !== "decided") return step.kind
  return step.decision.outcome === "yes"
    ? `yes ${step.decision.value}`
    : `${step.decision.outcome} ${step.decision.outcome === "pass" ? "" : step.decision.reply.code}`
}

const digest = (text: string) => createHmac("md5", "pencil").update(text).digest("hex")

for (const [what, mechanism, first, responses, result] of [
  ["PLAIN with its first response", "PLAIN", "\0gor\0pencil", [], "yes gor"],
  ["PLAIN in two steps", "PLAIN", undefined, ["\0gor\0pencil"], "yes gor"],
  ["PLAIN acting as oneself", "PLAIN", "gor\0gor\0pencil", [], "yes gor"],
  ["PLAIN acting as another", "PLAIN", "ann\0gor\0pencil", [], "no 535"],
  ["PLAIN with another password", "PLAIN", "\0gor\0pencils", [], "no 535"],
  ["PLAIN of nobody", "PLAIN", "\0nobody\0pencil", [], "no 535"],
  ["PLAIN without a password", "PLAIN", "\0gor\0", [], "malformed"],
  ["PLAIN without NULs", "PLAIN", "gor", [], "malformed"],
  ["PLAIN with too many NULs", "PLAIN", "\0gor\0pen\0cil", [], "malformed"],
  ["LOGIN", "LOGIN", undefined, ["gor", "pencil"], "yes gor"],
  ["LOGIN with the login in the command", "LOGIN", "gor", ["pencil"], "yes gor"],
  ["LOGIN with an empty login", "LOGIN", undefined, ["", "pencil"], "malformed"],
  ["LOGIN with another password", "LOGIN", undefined, ["gor", "pen"], "no 535"],
  ["CRAM-MD5", "CRAM-MD5", undefined, [`gor ${digest("<server-nonce@grussell.org>")}`], "yes gor"],
  ["CRAM-MD5 for another challenge", "CRAM-MD5", undefined, [`gor ${digest("<x@y>")}`], "no 535"],
  [
    "CRAM-MD5 of nobody",
    "CRAM-MD5",
    undefined,
    [`nobody ${digest("<server-nonce@grussell.org>")}`],
    "no 535",
  ],
  ["CRAM-MD5 with a first response", "CRAM-MD5", "gor", [], "malformed"],
  ["CRAM-MD5 without a digest", "CRAM-MD5", undefined, ["gor"], "malformed"],
  ["EXTERNAL as whoever the certificate is of", "EXTERNAL", "", [], "yes gor"],
  ["EXTERNAL as that one by name", "EXTERNAL", "gor", [], "yes gor"],
  ["EXTERNAL as another", "EXTERNAL", undefined, ["ann"], "no 535"],
] as const) {
  test(`${what}: ${result}`, async () => {
    assert.equal(await play(mechanism, responses, first), result)
  })
}

// RFC 7677 §3
test("SCRAM-SHA-256 is that of RFC 7677's example, from both sides", () => {
  const first = readClientFirst("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
  assert.ok(first !== undefined)
  const challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
  const client = clientFirst("user", "rOprNGfwEbeRWgbNEkqO", "n")
  assert.equal(`${client.header}${client.bare}`, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
  const final = clientFinal(client, challenge, "pencil")
  assert.ok(typeof final === "object")
  assert.equal(
    final.message,
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  )
  assert.equal(final.expected, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
  const verifier = verifierOf("pencil", salt, 4096)
  const server = { first, challenge, verifier, channel: Buffer.alloc(0) }
  assert.equal(serverFinal(server, final.message), final.expected)
})

test("SCRAM: our client and our server agree exactly when the password is the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1 }), fc.boolean(), async (password, right) => {
      const own = {
        ...world,
        logins: logins({ verifier: async () => yes(verifierOf(password, salt, 4096), known) }),
      }
      const credentials = { ...authinfo, password: right ? password : `${password}.` }
      assert.equal(await converse(credentials, own), right ? "yes gor" : "no 535")
    }),
    { numRuns: 20 },
  )
})

const authinfo: Credentials = {
  authorization: "gor",
  login: "gor",
  password: "pencil",
  realm: undefined,
  mechanisms: ["SCRAM-SHA-256"],
}

async function converse(credentials: Credentials, on: typeof world): Promise<string> {
  const exchange = chooseExchange(credentials, {
    offered: ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"],
    allowed: [],
    secure: true,
    certified: false,
    nonce: "client-nonce",
  })
  assert.ok(typeof exchange === "object")
  return follow(exchange, on)
}

/** Plays the client's exchange with our server to its end. */
async function follow(exchange: ClientExchange, on: SaslWorld): Promise<string> {
  let step = await begin(exchange.mechanism as Mechanism, exchange.initial, on)
  while (step.kind === "challenge") {
    const said = exchange.respond(step.challenge)
    if ("give" in said) return `gave up: ${said.why}`
    step = await proceed(step.exchange, said.say, on)
  }
  if (step.kind === "malformed") return step.kind
  return step.decision.outcome === "yes" ? `yes ${step.decision.value}` : "no 535"
}

for (const mechanism of ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"]) {
  test(`our client logs in at our server by ${mechanism}`, async () => {
    assert.equal(await converse({ ...authinfo, mechanisms: [mechanism] }, world), "yes gor")
  })
}

test("SCRAM: a server that does not know the password itself is given up, and so is one that asks for too little or too much", () => {
  const exchange = chooseExchange(authinfo, {
    offered: ["SCRAM-SHA-256"],
    allowed: [],
    secure: false,
    certified: false,
    nonce: "abc",
  })
  assert.ok(typeof exchange === "object")
  assert.ok("say" in exchange.respond("r=abcdef,s=c2FsdA==,i=4096"))
  assert.deepEqual(exchange.respond("v=AAAA"), { give: "up", why: "it does not know the password itself" })
  const first = clientFirst("a", "abc", "n")
  assert.equal(clientFinal(first, "r=abcdef,s=c2FsdA==,i=1", "x"), "it asks for only 1 iterations")
  assert.match(String(clientFinal(first, "r=abcdef,s=c2FsdA==,i=999999999", "x")), /999999999/)
  assert.match(String(clientFinal(first, "r=xyz,s=c2FsdA==,i=4096", "x")), /another nonce/)
})

// RFC 5802 §6, RFC 9266: what ours and theirs export of the same connection, and of two with somebody between them.
const ours = Buffer.from("keys of this connection, 32 octet")
const theirs = Buffer.from("keys of another connection, 32 o.")

type Bound = { readonly client?: Buffer; readonly server?: Buffer; readonly offered?: readonly string[] }

/** Our client and our server; `offered` is what the client hears of the server's offer. */
async function bound(mechanisms: readonly string[], { client, server, offered }: Bound): Promise<string> {
  const both = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
  const exchange = chooseExchange(
    { ...authinfo, mechanisms },
    {
      offered: offered ?? (server === undefined ? ["SCRAM-SHA-256"] : both),
      allowed: [],
      secure: true,
      certified: false,
      channel: client,
      nonce: "client-nonce",
    },
  )
  if (typeof exchange === "string") return exchange
  return `${exchange.mechanism} ${exchange.initial?.slice(0, 2)} ${await follow(exchange, { ...world, channel: server })}`
}

for (const [what, mechanisms, between, wanted] of [
  [
    "both know the channel",
    ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"],
    { client: ours, server: ours },
    "SCRAM-SHA-256-PLUS p= yes gor",
  ],
  [
    "somebody stands in the middle",
    ["SCRAM-SHA-256-PLUS"],
    { client: ours, server: theirs },
    "SCRAM-SHA-256-PLUS p= no 535",
  ],
  [
    "the server knows no channel",
    ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"],
    { client: ours },
    "SCRAM-SHA-256 y, yes gor",
  ],
  [
    "the client knows no channel",
    ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"],
    { server: ours },
    "SCRAM-SHA-256 n, yes gor",
  ],
  [
    "the client may not use -PLUS, and sees it offered",
    ["SCRAM-SHA-256"],
    { client: ours, server: ours },
    "SCRAM-SHA-256 n, yes gor",
  ],
  [
    "somebody took -PLUS out of the offer",
    ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"],
    { client: ours, server: ours, offered: ["SCRAM-SHA-256"] },
    "SCRAM-SHA-256 y, no 535",
  ],
] as const) {
  test(`SCRAM with channel binding, ${what}: ${wanted}`, async () => {
    assert.equal(await bound(mechanisms, between), wanted)
  })
}

for (const [mechanism, first] of [
  ["SCRAM-SHA-256-PLUS", "n,,n=gor,r=x"],
  ["SCRAM-SHA-256-PLUS", "y,,n=gor,r=x"],
  ["SCRAM-SHA-256-PLUS", "p=tls-unique,,n=gor,r=x"],
  ["SCRAM-SHA-256", "p=tls-exporter,,n=gor,r=x"],
] as const) {
  test(`${mechanism} does not begin with ${first}`, async () => {
    assert.equal((await begin(mechanism, first, { ...world, channel: ours })).kind, "malformed")
  })
}

test("SCRAM: channel binding, names with stray equals signs and messages without a nonce are refused", async () => {
  for (const message of [
    "p=tls-exporter,,n=gor,r=x",
    "n,,n=g=or,r=x",
    "n,,n=gor",
    "n=gor,r=x",
    "",
    "n,,n=,r=x",
  ])
    assert.equal(await play("SCRAM-SHA-256", [], message), "malformed", message)
  assert.equal(readClientFirst("n,a=ann,n=g=2Co=3Dr,r=x")?.login, "g,o=r")
})

test("a backend that does not answer is later, never no", async () => {
  const silent = later(reply(454, "4.7.0", "Temporary authentication failure"), because("dovecot", "silent"))
  const own = {
    ...world,
    logins: logins({
      password: async () => silent,
      verifier: async () => silent,
      secret: async () => silent,
    }),
  }
  for (const [mechanism, response] of [
    ["PLAIN", "\0gor\0pencil"],
    ["SCRAM-SHA-256", "n,,n=gor,r=x"],
  ] as const) {
    const step = await begin(mechanism, response, own)
    assert.equal(step.kind === "decided" && step.decision.outcome, "later")
  }
  const step = await begin("CRAM-MD5", undefined, own)
  assert.ok(step.kind === "challenge")
  const end = await proceed(step.exchange, `gor ${"0".repeat(32)}`, own)
  assert.equal(end.kind === "decided" && end.decision.outcome, "later")
})

test("a client says a password in clear text only where M: asks for it", () => {
  const choice = {
    offered: ["PLAIN", "LOGIN"],
    allowed: ["PLAIN"],
    secure: false,
    certified: false,
    nonce: "x",
  }
  const open = { ...authinfo, mechanisms: undefined }
  assert.equal(chooseExchange(open, choice), "PLAIN would say the password in clear text")
  assert.equal(
    (chooseExchange(open, { ...choice, secure: true }) as { mechanism: string }).mechanism,
    "PLAIN",
  )
  const asked = chooseExchange({ ...authinfo, mechanisms: ["LOGIN"] }, choice) as { mechanism: string }
  assert.equal(asked.mechanism, "LOGIN")
  const external = { ...choice, offered: ["EXTERNAL", "PLAIN"], allowed: ["EXTERNAL"] }
  assert.match(
    String(chooseExchange(open, external)),
    /the peer offers EXTERNAL PLAIN, and we may use EXTERNAL/,
  )
  const shown = chooseExchange(open, { ...external, certified: true }) as { mechanism: string }
  assert.equal(shown.mechanism, "EXTERNAL")
})

test("authinfo: U, I, P, R and M, with quotes or without, in clear or base64", () => {
  assert.deepEqual(parseAuthInfo('"U:smmsp" "I:gor" "P=cGVuY2ls" "R:grussell.org" "M:CRAM-MD5 PLAIN"'), {
    authorization: "smmsp",
    login: "gor",
    password: "pencil",
    realm: "grussell.org",
    mechanisms: ["CRAM-MD5", "PLAIN"],
  })
  assert.deepEqual(parseAuthInfo("U:gor P:pencil"), { ...authinfo, mechanisms: undefined })
  assert.equal((parseAuthInfo('"U:gor" "P:say \\"pencil\\""') as Credentials).password, 'say "pencil"')
  assert.equal(parseAuthInfo('"U:gor"'), "P: is missing")
  assert.equal(parseAuthInfo('"P:pencil"'), "neither U: nor I: says whose password it is")
  assert.equal(parseAuthInfo("gor pencil"), '"G" is none of U: I: P: R: M:')
})

test("AuthOptions: each letter leaves the mechanisms that are good for it", () => {
  const left = (letters: string) => mechanisms.filter((one) => isLetBy(letters, one)).join(" ")
  assert.equal(left(""), mechanisms.join(" "))
  assert.equal(left("A p y"), mechanisms.join(" "))
  assert.equal(left("a"), "SCRAM-SHA-256-PLUS SCRAM-SHA-256")
  assert.equal(left("m"), "SCRAM-SHA-256-PLUS SCRAM-SHA-256")
  assert.equal(left("d"), "EXTERNAL")
  assert.equal(left("c"), "PLAIN LOGIN")
  assert.equal(left("f"), "")
  assert.equal(left("a,c"), "")
})
