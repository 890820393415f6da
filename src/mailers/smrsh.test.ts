import assert from "node:assert/strict"
import { test } from "node:test"
import { restricted } from "./smrsh.ts"

const has = (name: string) => ["vacation", "procmail", "log.sh"].includes(name)
const result = (command: string) => {
  const read = restricted(command, "/etc/mail/smrsh", has)
  return read.ok ? read.value : `no: ${read.error}`
}

for (const [command, expected] of [
  ["vacation me", "/etc/mail/smrsh/vacation me"],
  ["/usr/bin/vacation -a you me", "/etc/mail/smrsh/vacation -a you me"],
  ["  procmail  ", "/etc/mail/smrsh/procmail  "],
  ["log.sh 'two words'", "/etc/mail/smrsh/log.sh 'two words'"],
  ["exec /bin/procmail -f-", "exec /etc/mail/smrsh/procmail -f-"],
  ["exec procmail || exit 75", "exec /etc/mail/smrsh/procmail ||exit 75"],
  ["procmail && vacation me", "/etc/mail/smrsh/procmail &&/etc/mail/smrsh/vacation me"],
  ["echo hello", "echo hello"],
  ["rm -rf /", 'no: smrsh: "rm" not available for sendmail programs (stat failed)'],
  ["procmail || rm x", 'no: smrsh: "rm" not available for sendmail programs (stat failed)'],
  ["exec rm x", 'no: smrsh: "rm" not available for sendmail programs (stat failed)'],
  ["procmail; rm x", "no: smrsh: cannot use ; in command"],
  ["procmail;rm", "no: smrsh: cannot use ; in command"],
  ["procmail | sh", "no: smrsh: cannot use | in command"],
  ["procmail & rm", "no: smrsh: cannot use & in command"],
  ["procmail > /etc/passwd", "no: smrsh: cannot use > in command"],
  ["procmail `id`", "no: smrsh: cannot use ` in command"],
  ["procmail $HOME", "no: smrsh: cannot use $ in command"],
  ["$(id)", "no: smrsh: cannot use $ in command"],
  ["procmail\nrm x", "no: smrsh: cannot use newline in command"],
  ["..", 'no: smrsh: ".." not available for sendmail programs (stat failed)'],
  ["/", 'no: smrsh: "" not available for sendmail programs (stat failed)'],
  ["'vacation' me", "no: smrsh: \"'vacation'\" not available for sendmail programs (stat failed)"],
  ["", "no: smrsh: no command was given"],
  ["   ", "no: smrsh: no command was given"],
] as const) {
  test(`smrsh: ${JSON.stringify(command)}`, () => assert.equal(result(command), expected))
}
