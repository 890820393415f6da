import assert from "node:assert/strict"
import { test } from "node:test"
import { optionOfCf } from "../config/options.ts"
import { readSendmailOptions } from "./sendmail-options.ts"

function read(...argv: readonly string[]) {
  const result = readSendmailOptions(argv, optionOfCf)
  assert.ok(result.ok, result.ok ? "" : result.error)
  return result.value
}

for (const [argv, expected] of [
  [["me@grussell.org"], { mode: "m", operands: ["me@grussell.org"] }],
  [["-t"], { recipientsFromHeader: true }],
  [["-ti"], { recipientsFromHeader: true, ignoreDots: true }],
  [["-oi", "me"], { ignoreDots: true, operands: ["me"] }],
  [["-oi", "-t"], { ignoreDots: true, recipientsFromHeader: true }],
  [["-OIgnoreDots=true"], { ignoreDots: true }],
  [["-O", "IgnoreDots"], { ignoreDots: true }],
  [["-fme@grussell.org", "you"], { sender: "me@grussell.org", operands: ["you"] }],
  [["-f", "me@grussell.org", "you"], { sender: "me@grussell.org", operands: ["you"] }],
  [["-f", "", "you"], { sender: "", operands: ["you"] }],
  [["-f", "<>", "you"], { sender: "<>" }],
  [["-r", "me", "you"], { sender: "me", senderFlag: "r" }],
  [["-tif", "me"], { recipientsFromHeader: true, ignoreDots: true, sender: "me" }],
  [["-F", 'Robert "Bob" J.', "jim"], { fullName: 'Robert "Bob" J.', operands: ["jim"] }],
  [["-B8BITMIME"], { body: "8BITMIME" }],
  [["-B", "7bit"], { body: "7BIT" }],
  [["-N", "success,delay"], { notify: ["success", "delay"] }],
  [["-Nnever"], { notify: ["never"] }],
  [["-R", "hdrs"], { ret: "HDRS" }],
  [["-V", "env42"], { envid: "env42" }],
  [["-bs"], { mode: "s" }],
  [["-bp", "-v"], { mode: "p", verbose: true }],
  [["-bP"], { mode: "P" }],
  [["-bd", "-qp"], { mode: "d", queueRun: { interval: "1s", parts: [] } }],
  [["-bd", "-qp5m"], { mode: "d", queueRun: { interval: "5m", parts: [] } }],
  [["-bi"], { mode: "i" }],
  [["-I"], { mode: "i" }],
  [["-q"], { queueRun: { interval: undefined, parts: [] } }],
  [["-q", "-v"], { queueRun: { interval: undefined, parts: [] }, verbose: true }],
  [["-bd", "-q30m"], { mode: "d", queueRun: { interval: "30m", parts: [] } }],
  [["-bD", "-q1h30m"], { mode: "D", queueRun: { interval: "1h30m", parts: [] } }],
  [
    ["-qRfar@", "-qSbob"],
    {
      queueRun: {
        interval: undefined,
        parts: [
          { field: "R", part: "far@", not: false },
          { field: "S", part: "bob", not: false },
        ],
      },
    },
  ],
  [["-q!Ifar"], { queueRun: { interval: undefined, parts: [{ field: "I", part: "far", not: true }] } }],
  [
    ["-Qodd", "-qIfar"],
    {
      quarantine: "odd",
      queueRun: { interval: undefined, parts: [{ field: "I", part: "far", not: false }] },
    },
  ],
  [
    ["-Q", "-qQ"],
    { quarantine: "", queueRun: { interval: undefined, parts: [{ field: "Q", part: "", not: false }] } },
  ],
  [["-bp", "-qQ"], { queueRun: { interval: undefined, parts: [{ field: "Q", part: "", not: false }] } }],
  [["-d", "-bv", "root"], { mode: "v", operands: ["root"], debug: "" }],
  [["-d0.1", "-bv", "root"], { mode: "v", operands: ["root"], debug: "0.1" }],
  [["-odq", "-oem", "-om", "jim"], { operands: ["jim"], errorMode: "m", queueOnly: true }],
  [["-oeq"], { errorMode: "q" }],
  [["-odb"], { queueOnly: false }],
  [["-O", "DeliveryMode=deferred"], { queueOnly: true }],
  [["-OErrorMode=mail"], { errorMode: "m" }],
  [["-eq"], { errorMode: "q" }],
  [["-Ac", "-bp"], { queue: "client", mode: "p" }],
  [["-Am"], { queue: "main" }],
  [["-C", "/etc/mail/sendmail.mc", "-bD"], { config: "/etc/mail/sendmail.mc", mode: "D" }],
  [["-X/tmp/traffic", "me"], { trafficLog: "/tmp/traffic" }],
  [["-G", "-L", "tag", "-h5", "-pESMTP:host", "-cmnsUT", "me"], { gateway: true, operands: ["me"] }],
  [["--", "-t"], { operands: ["-t"], recipientsFromHeader: false }],
  [["me", "-t"], { operands: ["me"], recipientsFromHeader: true }],
  [["--state", "/tmp/x", "me"], { state: "/tmp/x", operands: ["me"] }],
  [["-"], { operands: ["-"] }],
] as const) {
  test(`sendmail ${argv.join(" ")} is read as sendmail reads it`, () => {
    const options = read(...argv)
    assert.deepEqual({ ...options, ...expected }, options)
  })
}

for (const [argv, expected] of [
  [["-Z", "bob"], "illegal option -- Z"],
  [["-tZ"], "illegal option -- Z"],
  [["-odx"], "Unknown delivery mode x"],
  [["-oex"], "Invalid -oe argument: x"],
  [["-ex"], "Invalid -e argument: x"],
  [["-O", "DeliveryMode=sometimes"], "Unknown delivery mode sometimes"],
  [["-O", "ErrorMode=x"], "Invalid ErrorMode: x"],
  [["-f"], "option requires an argument -- f"],
  [["-bz"], "Invalid operation mode z"],
  [["-bmm"], "Invalid operation mode mm"],
  [["-Bbinary"], "Illegal body type binary"],
  [["-N", "never,success"], "Invalid -N argument: never,success"],
  [["-N", "sometimes"], "Invalid -N argument: sometimes"],
  [["-R", "some"], "Invalid -R value: some"],
  [["-V", "a\r\nb"], "Invalid syntax in -V flag"],
  [["-qnever"], "Invalid -q argument: qnever".replace("qnever", "never")],
  [["-Ax"], "Invalid -A argument: use -Ac or -Am"],
  [["-ez"], "Invalid -e argument: z"],
  [["-ONoSuchOption=1"], "unknown option name NoSuchOption"],
  [["-o!"], "unknown option name !"],
] as const) {
  test(`sendmail ${JSON.stringify(argv)} is refused in sendmail's words`, () => {
    assert.deepEqual(readSendmailOptions(argv, optionOfCf), { ok: false, error: expected })
  })
}
