// Mail that no check was set with in view: honest mail as mutt, PHP, git send-email, swaks, Python and cron write it, by Postfix, sendmail
// and Waypost; and forgeries as an attacker types them, of which some leave nothing to find.
import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { openCase } from "../../src/forensics/case.ts"
import { judge } from "../../src/forensics/judgement.ts"
import { project } from "../kit/system.ts"

function judged(kind: "honest" | "forged" | "makers") {
  const folder = join(project, "test/fixtures/forensics", kind)
  return readdirSync(folder).map((name) => {
    const { verdict, findings } = judge(
      openCase(readFileSync(join(folder, name)), { receiver: "grussell.org" }),
    )
    const strong = findings.filter(({ severity }) => severity !== "info" && severity !== "low")
    return { name, verdict, strong: strong.map(({ check }) => check) }
  })
}

test("honest mail is not flagged, most forgeries are", (t) => {
  const honest = judged("honest")
  const forged = judged("forged")
  const wrong = honest.filter(({ verdict }) => verdict !== "genuine")
  const missed = forged.filter(({ verdict }) => verdict === "genuine")
  const called = forged.filter(({ verdict }) => verdict === "forged").length
  const caught = forged.length - missed.length
  const f1 = (2 * caught) / (2 * caught + missed.length + wrong.length)
  t.diagnostic(
    `F1 ${f1.toFixed(3)}: ${caught} of ${forged.length} forgeries flagged (${called} called forged), ` +
      `${wrong.length} of ${honest.length} honest ones`,
  )
  for (const { name, strong } of [...wrong, ...missed])
    t.diagnostic(`${name}: ${strong.join(", ") || "nothing found"}`)
  assert.deepEqual(wrong, [])
  assert.ok(f1 >= 0.9, `F1 ${f1}`)
})

test("odd mail of many makers is not flagged: gateways, lists, mass mailers, forwarders, printers, web forms", () => {
  const flagged = judged("makers").filter(({ verdict }) => verdict !== "genuine")
  assert.deepEqual(flagged, [])
})
