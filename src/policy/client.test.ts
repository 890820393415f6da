import assert from "node:assert/strict"
import { test } from "node:test"
import { arrivalOf, said } from "../../test/kit/gate.ts"
import { mailhost } from "../../test/kit/mailhost.ts"

function gateOf(features: string) {
  return mailhost({
    files: {
      "/etc/mail/sendmail.mc": `FEATURE(access_db)dnl\n${features}\nMAILER(local)dnl\nMAILER(smtp)dnl\n`,
      "/etc/mail/access": "Connect:spam.test REJECT\n",
    },
  }).gate
}

const forged = () => arrivalOf({ address: "192.0.2.7", name: undefined, forged: "mx.spam.test" })

test("a name that does not lead back to its address decides nothing, but with FEATURE(use_client_ptr)", async () => {
  assert.equal(said(await gateOf("").connect(forged())), "yes")
  const decision = await gateOf("FEATURE(use_client_ptr)dnl").connect(forged())
  assert.equal(said(decision), "550 5.7.1 Access denied")
  assert.equal(decision.reason.at?.line, 1)
  const proved = arrivalOf({ address: "192.0.2.7", name: "mx.spam.test" })
  assert.equal(said(await gateOf("").connect(proved)), "550 5.7.1 Access denied")
})

test("the site's own rules see both: {client_ptr} is forged, {client_name} is the address, or PTR's with the FEATURE", async () => {
  const rules =
    'LOCAL_RULESETS\nSLocal_check_relay\nR$* $| $*\t$#error $@ 5.7.1 $: "550 " $1 " " $&{client_ptr}'
  const ask = async (features: string) =>
    said(
      await mailhost({
        files: { "/etc/mail/sendmail.mc": `${features}\nMAILER(local)dnl\nMAILER(smtp)dnl\n${rules}\n` },
      }).gate.connect(forged()),
    )
  assert.equal(await ask(""), "550 5.7.1 [192.0.2.7] mx.spam.test")
  assert.equal(await ask("FEATURE(use_client_ptr)dnl"), "550 5.7.1 mx.spam.test mx.spam.test")
})

test("Local_check_relay lets a client speak that access refuses, for a reason that cites the rule", async () => {
  const { gate } = mailhost({
    files: {
      "/etc/mail/sendmail.mc":
        "FEATURE(access_db)dnl\nMAILER(local)dnl\nMAILER(smtp)dnl\nLOCAL_RULESETS\nSLocal_check_relay\nR$* $| 192.0.2.7\t$# ok\n",
      "/etc/mail/access": "Connect:192.0.2 REJECT\n",
    },
  })
  const welcome = await gate.connect(arrivalOf("192.0.2.7"))
  assert.deepEqual([said(welcome), welcome.reason.at?.line], ["yes", 6])
  assert.equal(said(await gate.connect(arrivalOf("192.0.2.8"))), "550 5.7.1 Access denied")
})
