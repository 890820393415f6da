// Filters in a session: scripted ones, over real sockets, each answer and what becomes of the message.
import assert from "node:assert/strict"
import { test } from "node:test"
import { type Script, startMilter } from "../../test/kit/milter.ts"
import { directory, letter, mail, message, play, type Played } from "../../test/kit/milter-play.ts"
import { sessionOf, smallGate } from "../../test/kit/server.ts"
import { mc, settingsOf } from "../../test/kit/site.ts"
import { because, yes } from "../mail/decision.ts"
import { strings, words } from "../trust/milter-wire.ts"
import { makeMilters } from "./milters.ts"

/** What was stored, without our own trace fields. */
function storedText({ stored }: Played): string {
  assert.equal(stored.length, 1)
  const { text = "", prefix = 0 } = stored[0] ?? {}
  return text.slice(prefix)
}

function last({ said }: Played): string {
  return said.at(-2) ?? ""
}

test("a filter hears the whole conversation, with sendmail's macros at each step", async () => {
  const played = await play(mail, { filters: [{}] })
  const [filter] = played.filters
  assert.match(last(played), /^250 2\.0\.0 \S+ Message accepted/)
  assert.deepEqual(filter?.heard, [
    "C pc236b.napier.ac.uk 4 40000 10.4.5.6",
    "H pc236b.napier.ac.uk",
    "M <andrew@napier.ac.uk> SIZE=100",
    "R <gordon@grussell.org> NOTIFY=NEVER",
    "T",
    "L From andrew@napier.ac.uk",
    "L Subject lunch",
    "L X-Old 1",
    "L X-Old 2",
    "N",
    "B 13",
    "E",
    "Q",
  ])
  assert.equal(filter?.body(), "At noon.\r\n.\r\n", "without dots and header")
  const at = (step: string) => Object.fromEntries(filter?.macros.get(step) ?? [])
  assert.deepEqual(at("C"), {
    j: "grussell.org",
    _: "pc236b.napier.ac.uk [10.4.5.6]",
    "{daemon_name}": "MTA",
  })
  assert.deepEqual(at("M"), {
    i: "6AO7Ag00000001",
    "{mail_mailer}": "esmtp",
    "{mail_host}": "napier.ac.uk",
    "{mail_addr}": "andrew@napier.ac.uk",
  })
  assert.deepEqual(at("R"), { "{rcpt_mailer}": "local", "{rcpt_addr}": "gordon" })
  assert.match(last(played), /6AO7Ag00000001/, "the id is that of the macro i")
})

test("what a filter need not hear it is not told, and what it does not answer is not waited for", async () => {
  const quiet = 0x2 | 0x4 | 0x20 | 0x80 | 0x1000 | 0x8000 // no HELO, no MAIL, no header; silent at connect and RCPT
  const { filters, said } = await play(mail, { filters: [{ steps: quiet }] })
  assert.deepEqual(filters[0]?.heard, [
    "C pc236b.napier.ac.uk 4 40000 10.4.5.6",
    "R <gordon@grussell.org> NOTIFY=NEVER",
    "T",
    "N",
    "B 13",
    "E",
    "Q",
  ])
  assert.match(said.at(-2) ?? "", /^250 /)
})

test("every change of a message is made, in the order in which it was asked for", async () => {
  const played = await play(mail, {
    filters: [
      {
        says: {
          E: [
            ["h", strings("X-Added", "yes")],
            ["i", words(0), strings("X-Top", "above all")],
            ["i", words(2), strings("X-Below", "of two\nlines")],
            ["m", words(2), strings("x-old", "changed")],
            ["m", words(1), strings("Subject", "")],
            ["m", words(7), strings("X-New", "as there is no seventh")],
            ["p"],
            ["e", strings("<bounces@hello.com>", "ENVID=lunch7")],
            ["+", strings("<andrew@grussell.org>")],
            ["2", strings("<me@grussell.org>", "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;me@grussell.org")],
            ["-", strings("<gordon@GRUSSELL.org>")],
            ["b", "At one.\n"],
            ["b", "Bring\r\nbread"],
            ["q", strings("smells of soup")],
            ["c"],
          ],
        },
      },
    ],
  })
  const { stored, log } = played
  assert.match(last(played), /^250 /)
  assert.equal(
    storedText(played),
    [
      "X-Below: of two",
      "\tlines",
      "From: andrew@napier.ac.uk",
      "X-Old: 1",
      "x-old: changed",
      "X-Added: yes",
      "X-New: as there is no seventh",
      "",
      "At one.",
      "Bring",
      "bread",
      "",
    ].join("\r\n"),
  )
  const { text = "", prefix = 0, queued } = stored[0] ?? {}
  assert.ok(text.startsWith("X-Top: above all\r\nReceived: from"), text.slice(0, prefix))
  assert.equal(queued?.entry.size, text.length)
  assert.equal(queued?.entry.headerSize, text.indexOf("\r\n\r\n") + 4)
  assert.deepEqual(queued?.entry.held, { reason: "quarantines it: smells of soup", at: mc(40) })
  assert.equal(queued?.entry.envelope.envid, "lunch7")
  assert.deepEqual(
    queued?.pending.map(({ recipient: { path, notify, original } }) => [path, notify, original]),
    [
      [
        { localPart: "andrew", domain: { kind: "name", ascii: "grussell.org", unicode: "grussell.org" } },
        [],
        undefined,
      ],
      [
        { localPart: "me", domain: { kind: "name", ascii: "grussell.org", unicode: "grussell.org" } },
        ["success", "delay"],
        "rfc822;me@grussell.org",
      ],
    ],
  )
  const steps = queued?.pending[1]?.recipient.admitted.after ?? []
  assert.equal(steps.length, 12, "each change is a step of the trail")
  assert.deepEqual(
    [steps[0]?.step, steps[0]?.says, steps[0]?.at?.line, steps[0]?.role],
    ["milter f1", "add header: X-Added: yes", 40, "changed"],
  )
  assert.equal(log[0], "Milter (f1): add header: X-Added: yes")
})

test("a second filter sees what the first has made of the message", async () => {
  const first: Script = {
    says: {
      E: [
        ["h", strings("X-First", "was here")],
        ["b", "Another body\r\n"],
        ["+", strings("<me@grussell.org>")],
        ["c"],
      ],
    },
  }
  const played = await play(mail, { filters: [first, { steps: 0x10_0000 }] })
  const [, second] = played.filters
  assert.equal(second?.body(), "Another body\r\n")
  assert.ok(second?.heard.includes("L X-First  was here"), "with its leading blank, as it wished")
  assert.match(storedText(played), /X-First: was here\r\n\r\nAnother body\r\n$/)
})

const verdicts: readonly (readonly [
  step: string,
  packet: readonly [string, ...string[]],
  expected: RegExp,
])[] = [
  ["H", ["r"], /^550 5\.7\.1 pc236b\.napier\.ac\.uk\.\.\. Command rejected/],
  ["M", ["r"], /^550 5\.7\.1 <andrew@napier\.ac\.uk>\.\.\. Command rejected/],
  ["M", ["t"], /^451 4\.3\.2 Please try again later/],
  ["R", ["r"], /^550 5\.7\.1 <gordon@grussell\.org>\.\.\. Command rejected/],
  ["R", ["y", strings("452 4.2.2 Come%% back")], /^452 4\.2\.2 Come% back/],
  ["T", ["r"], /^554 5\.7\.1 Command rejected/],
  ["L", ["r"], /^554 5\.7\.1 Command rejected/],
  ["N", ["t"], /^451 4\.3\.2 Please try again later/],
  ["B", ["y", strings("550 5.7.1 No soup")], /^550 5\.7\.1 No soup/],
  ["E", ["y", strings("554-5.7.1 No\r\n554 5.7.1 soup")], /^554-5\.7\.1 No/],
  ["E", ["t"], /^451 4\.3\.2 Please try again later/],
  ["E", ["y", strings("250 Yes")], /^451 4\.3\.2 Please try again later/],
  ["E", ["Z"], /^451 4\.3\.2 Please try again later/],
]

for (const [step, packet, expected] of verdicts) {
  test(`"${packet.join(" ").replace(/\0/, "")}" at ${step} is what the client hears, and nothing is kept`, async () => {
    const { said, stored, refusals } = await play(mail, { filters: [{ says: { [step]: [packet] } }] })
    assert.ok(
      said.some((line) => expected.test(line)),
      said.join("\n"),
    )
    assert.deepEqual(stored, [])
    assert.match(refusals.join("\n"), /\| milter f1 .* 40$/m, "the refusal names the filter and its line")
  })
}

test("a filter that refuses one recipient refuses no other", async () => {
  const says = {
    R: ([path = ""]: readonly string[]) =>
      path.includes("gordon") ? ([["r"]] as const) : ([["c"]] as const),
  }
  const commands = [...letter.slice(0, 3), "RCPT TO:<me@grussell.org>", "DATA", ...message, "QUIT"]
  const { stored, said } = await play(commands, { filters: [{ says }] })
  assert.match(last({ said } as Played), /^250 /)
  assert.equal(stored[0]?.queued.pending.length, 1)
})

test("a client that a filter refuses at its connection hears that at each command", async () => {
  const { said, stored, filters } = await play(mail, { filters: [{ says: { C: [["r"]] } }] })
  assert.match(said[0] ?? "", /^220 /)
  assert.ok(said.includes("554 5.7.1 Command rejected"))
  assert.deepEqual(stored, [])
  assert.deepEqual(
    filters[0]?.heard.filter((line) => line.startsWith("M")),
    [],
  )
})

test("accept at RCPT ends the questions about this message, and not about the next", async () => {
  const commands = [...letter, ...message, ...letter.slice(1), ...message, "QUIT"]
  const { filters, stored } = await play(commands, { filters: [{ says: { R: [["a"]] } }, {}] })
  assert.equal(stored.length, 2)
  const heard = filters[0]?.heard.map((line) => line[0]).join("")
  assert.equal(heard, "CHMRAMRAQ".replaceAll("A", ""), "no DATA, header or body")
  assert.equal(filters[1]?.heard.filter((line) => line === "E").length, 2, "the other is asked as ever")
  const steps = stored[0]?.queued.pending[0]?.recipient.admitted.after ?? []
  assert.deepEqual(
    steps.map(({ says }) => says),
    ["rcpt: accepts"],
  )
})

test("what a filter discards is taken and not kept", async () => {
  for (const step of ["M", "R", "T", "L", "N", "B", "E"]) {
    const { stored, said } = await play(mail, { filters: [{ says: { [step]: [["d"]] } }, {}] })
    assert.match(said.at(-2) ?? "", /^250 /, step)
    assert.deepEqual(stored, [], step)
  }
})

test("a filter that skips hears no more of the body, and has its word at the end", async () => {
  const long = Array.from({ length: 3000 }, () => "x".repeat(70))
  const commands = [...letter, "Subject: long", "", ...long, ".", "QUIT"]
  const { filters, stored } = await play(commands, {
    filters: [{ says: { B: [["s"]], E: [["h", strings("X-Seen", "enough")], ["c"]] } }, {}],
  })
  assert.equal(filters[0]?.heard.filter((line) => line.startsWith("B")).length, 1)
  assert.equal(filters[1]?.body().length, 3000 * 72)
  assert.match(stored[0]?.text ?? "", /X-Seen: enough/)
})

test("a message of megabytes goes through filters octet for octet, and leaves no file behind", async () => {
  const line = "0123456789".repeat(7)
  const commands = [
    ...letter,
    "Subject: long",
    "",
    ...Array.from({ length: 60_000 }, () => line),
    ".",
    "QUIT",
  ]
  const { filters, stored } = await play(commands, { filters: [{}, {}] })
  for (const filter of filters) assert.equal(filter.body(), `${line}\r\n`.repeat(60_000))
  assert.ok(stored[0]?.text.endsWith(`\r\n\r\n${`${line}\r\n`.repeat(60_000)}`))
})

const deaths = ["O", "C", "H", "M", "R", "T", "L", "N", "B", "E"]

for (const step of deaths) {
  test(`a filter that dies at ${step} lets nothing through: 4xx with F=T, 5xx with F=R, 421 with F=4`, async () => {
    const die = (equates: string) => play(mail, { filters: [{ says: { [step]: "dies" }, equates }] })
    const [soft, hard, closing] = [await die("F=T"), await die("F=R"), await die("F=4")]
    for (const { stored } of [soft, hard, closing]) assert.deepEqual(stored, [])
    assert.ok(
      soft.said.some((line) => line === "451 4.3.2 Please try again later"),
      soft.said.join("\n"),
    )
    assert.ok(hard.said.some((line) => /^55[04] 5\.7\.1 Command rejected/.test(line)))
    assert.match(closing.said.at(-1) ?? "", /^421 4\.7\.0 /)
    assert.match(soft.log.join("\n"), /cannot be asked: .*: F=T/)
  })
}

test("half an answer is none, and a filter that need not answer and dies lets nothing through either", async () => {
  for (const step of deaths)
    for (const script of [
      { says: { [step]: "half" } },
      { says: { [step]: "dies" }, steps: step === "O" ? 0 : 0xf_f080 },
    ] as const) {
      const { said, stored } = await play(mail, { filters: [{}, { ...script, equates: "F=T" }] })
      assert.deepEqual(stored, [], step)
      assert.ok(said.includes("451 4.3.2 Please try again later"), `${step}: ${said.join("\n")}`)
    }
})

test("a second filter that dies when the first has changed everything: nothing of it is kept", async () => {
  const changes = {
    E: [["b", "new\r\n"], ["h", strings("X-One", "1")], ["+", strings("ann@grussell.org")], ["c"]],
  } as const
  const body = { E: [["b", "half of it"], ["Z"]] } as const
  for (const says of [{ E: "dies" }, { B: "dies" }, body] as const) {
    const { said, stored } = await play(mail, { filters: [{ says: changes }, { says, equates: "F=T" }] })
    assert.deepEqual(stored, [])
    assert.ok(said.includes("451 4.3.2 Please try again later"), said.join("\n"))
  }
})

test("without F= mail passes a filter that died, and none of its changes count", async () => {
  const says = { E: [["h", strings("X-Half", "done")], ["Z"]] } as const
  const played = await play(mail, { filters: [{ says, equates: "" }, {}] })
  assert.match(last(played), /^250 /)
  assert.doesNotMatch(storedText(played), /X-Half/)
  assert.match(played.log.join("\n"), /cannot be asked: .*: mail passes without it/)
  const steps = played.stored[0]?.queued.pending[0]?.recipient.admitted.after ?? []
  assert.match(steps[0]?.says ?? "", /mail passes without it/)
})

test("a filter that keeps silent is waited for as long as T= says, and no longer", async () => {
  for (const step of ["C", "R", "E"]) {
    const started = performance.now()
    const { said, stored } = await play(mail, {
      filters: [{ says: { [step]: "silent" }, equates: "F=T, T=C:1s;S:1s;R:1s;E:1s" }],
    })
    assert.ok(performance.now() - started < 5000)
    assert.ok(said.includes("451 4.3.2 Please try again later"))
    assert.deepEqual(stored, [])
  }
})

test("a filter that is not there at all is as one that died", async () => {
  const gone = await startMilter()
  await gone.close()
  const settings = {
    ...settingsOf({ options: { InputMailFilters: ["gone"] } }),
    filters: new Map([["gone", { name: "gone", equates: `S=${gone.socket}, F=T`, at: mc(7) }]]),
  }
  const made = makeMilters({
    settings,
    directory,
    log: () => {},
    read: async () => yes("postmaster", because("x", "x")),
  })
  assert.ok(made.ok)
  const milters = made.value("MTA")
  assert.ok(milters !== undefined)
  const { said, traces } = await sessionOf([`${mail.join("\r\n")}\r\n`], { world: { milters } })
  assert.match(said, /451 4\.3\.2 Please try again later/)
  assert.deepEqual(traces.spool.stored, [])
  assert.match(traces.events[0]?.reason?.says ?? "", /Connection refused: F=T/)
})

test("what a filter demands of the protocol that there is not is nonsense", async () => {
  for (const script of [{ version: 7 }, { actions: 0x1000 }, { steps: 0x8000_0000 }, { version: 1 }]) {
    const { said } = await play(mail, { filters: [script] })
    assert.ok(said.includes("451 4.3.2 Please try again later"), JSON.stringify(script))
  }
})

test("who wishes hears of recipients that we refused, and cannot let them in", async () => {
  const commands = [...letter.slice(0, 2), "RCPT TO:<nobody@grussell.org>", "RSET", "QUIT"]
  const { filters, said } = await play(commands, { filters: [{ steps: 0x800 }, {}] })
  assert.ok(said.some((line) => line.startsWith("550 5.1.1 ")))
  assert.ok(filters[0]?.heard.includes("R <nobody@grussell.org>"))
  assert.equal(filters[0]?.macros.get("R")?.get("{rcpt_mailer}"), "error")
  assert.ok(filters[0]?.heard.includes("A"), "RSET is told")
  assert.ok(!(filters[1]?.heard ?? []).includes("R <nobody@grussell.org>"))
})

test("a command that nobody knows is told, and answered by the filter if it likes", async () => {
  const { filters, said } = await play(["FROB x", "QUIT"], {
    filters: [{ says: { U: [["y", strings("502 5.5.2 No frobbing here")]] } }],
  })
  assert.ok(filters[0]?.heard.includes("U FROB x"))
  assert.ok(said.includes("502 5.5.2 No frobbing here"))
})

test("no change of a filter can put a second field or a body into the header", async () => {
  const says = {
    E: [
      ["h", strings("X-Bad", "one\r\nBcc: all@hello.com\r\n\r\nbody")],
      ["h", strings("No Name", "x")],
      ["h", strings("With:Colon", "x")],
      ["c"],
    ],
  } as const
  const played = await play(mail, { filters: [{ says }] })
  const [header = ""] = storedText(played).split("\r\n\r\n")
  assert.match(header, /X-Bad: one\r\n\tBcc: all@hello\.com\r\n\tbody$/)
  assert.match(played.log.join("\n"), /not done: add header: "No Name" is no name of a field/)
})

test("a message whose recipients were all taken away is not kept", async () => {
  const played = await play(mail, {
    filters: [{ says: { E: [["-", strings("gordon@grussell.org")], ["c"]] } }],
  })
  assert.match(last(played), /^250 /)
  assert.deepEqual(played.stored, [])
})

test("our own checks come first: what they refuse no filter is asked about", async () => {
  const commands = ["EHLO pc236b.napier.ac.uk", "MAIL FROM:<x@spam.test>", "QUIT"]
  const { filters } = await play(commands, { filters: [{}] })
  assert.deepEqual(filters[0]?.heard.map((line) => line[0]).join(""), "CHQ")
})

test("BDAT brings a message to the filters like DATA", async () => {
  const commands = [...letter.slice(0, 3), "BDAT 22 LAST\r\nSubject: bdat\r\n\r\nHello", "QUIT"]
  const { filters, stored, said } = await play(
    commands.with(3, "BDAT 24 LAST\r\nSubject: bdat\r\n\r\nHello"),
    {
      filters: [{}],
    },
  )
  assert.equal(stored.length, 1, said.join("\n"))
  assert.ok(filters[0]?.body().startsWith("Hello"))
})

test("a door without filters has none in its way", () => {
  const made = makeMilters({
    settings: settingsOf({}),
    directory,
    log: () => {},
    read: async () => yes("postmaster", because("x", "x")),
  })
  assert.ok(made.ok)
  assert.equal(made.value("MTA"), undefined)
  assert.equal(smallGate.unknown, undefined)
})
