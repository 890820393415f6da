import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { without } from "../../test/kit/debian.ts"
import { Syslog } from "./syslog.ts"

const script = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
print(s.recv(4096).decode(), flush=True)
`

test("a line reaches who reads the log's socket, in syslog's form", {
  skip: without("python3"),
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "syslog-"))
  const path = join(folder, "log")
  const reader = spawn("python3", ["-c", script, path], { stdio: ["ignore", "pipe", "inherit"] })
  let text = ""
  reader.stdout.setEncoding("utf8").on("data", (more: string) => (text += more))
  while (!text.includes("ready")) await once(reader.stdout, "data")
  const log = new Syslog(path, "sm-mta", () => "Nov 15 11:12:20")
  log.say("PDQ666: from=<g.russell@napier.ac.uk>, size=271")
  await once(reader, "close")
  log.close()
  assert.equal(
    text,
    `ready\n<22>Nov 15 11:12:20 sm-mta[${process.pid}]: PDQ666: from=<g.russell@napier.ac.uk>, size=271\n`,
  )
  rmSync(folder, { recursive: true })
})

test("a log that nobody reads stops nothing", () => {
  const log = new Syslog(join(tmpdir(), "no-such-folder", "log"), "sm-mta", () => "Nov 15 11:12:20")
  log.say("one")
  log.say("two")
  log.close()
})
