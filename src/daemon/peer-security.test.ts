import assert from "node:assert/strict"
import { Socket } from "node:net"
import { test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"
import { fail } from "../mail/result.ts"
import { printReason } from "../routing/explain.ts"
import { tablesOf } from "../routing/world.ts"
import type { Handshake } from "../trust/tls-client.ts"
import { makePeerSecurity } from "./peer-security.ts"

const access = `Try_TLS:old.test	NO
TLS_Srv:grussell.org	PERM+VERIFY:112
TLS_Rcpt:gor@grussell.org	ENCR:512
Clt_Features:grussell.org	M
TLS_Clt_Features:grussell.org	Options=SSL_OP_NO_TLSv1_2; Flags=Cd
TLS_Clt_Features:broken.test	Flags=x
AuthInfo:smart.test	"U:gor" "P:sesame"
`

function securityOf(rules = "") {
  const { settings, routing } = mailhost({
    files: {
      "/etc/mail/sendmail.mc": `FEATURE(\`access_db')FEATURE(\`tls_session_features')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
${rules}
`,
      "/etc/mail/access": access,
    },
  })
  const asked: Handshake[] = []
  const security = makePeerSecurity({
    settings,
    rules: routing.rules,
    access: tablesOf(routing.tables, "access"),
    authInfo: [],
    tls: {
      certified: false,
      secure: async (_socket, handshake) => {
        asked.push(handshake)
        return fail("it was not meant")
      },
    },
  })
  return { security, asked }
}

const grussell = { host: "mx.grussell.org", address: "192.0.2.25" }
const other = { host: "mx.example.org", address: "192.0.2.26" }
const broken = { host: "mx.broken.test", address: "192.0.2.27" }

test("letters about a server are those of access, and D where its TLS says Flags=d", async () => {
  const { security } = securityOf()
  const letters = await security.features(grussell)
  assert.equal(letters.outcome === "yes" ? letters.value : letters.outcome, "MD")
  assert.equal((await security.features(other)).outcome, "pass")
})

test("TLS with a host is on its own terms; where these make no sense, it is not begun", async () => {
  const { security, asked } = securityOf()
  await security.secure(new Socket(), grussell, 1000)
  await security.secure(new Socket(), other, 1000)
  const { options } = asked[0]?.terms ?? {}
  assert.deepEqual([options, asked[1]?.terms, asked.length], [["SSL_OP_NO_TLSv1_2"], undefined, 2])
  const refused = await security.secure(new Socket(), broken, 1000)
  assert.match(refused.ok ? "" : refused.error, /Flags= has no letter "x"/)
  assert.equal(asked.length, 2)
})

test("Flags=C lets TLS that fails be done without, for this host alone", async () => {
  const { security } = securityOf()
  assert.deepEqual([await security.fallsBack(grussell), await security.fallsBack(other)], [true, false])
})

test("what would be asked of a host is told with its lines, and never a password", async () => {
  const { security } = securityOf("LOCAL_TRY_TLS\nRmx.example.org\t$#error $@ 5.7.1 $: not there\n")
  const told = async (peer: typeof grussell, to: string) =>
    (await security.foresee(peer, to)).flatMap(printReason).join("\n")
  const first = await told(grussell, "gor@grussell.org")
  assert.match(first, /clt_features +yes: mx\.grussell\.org: letters MD +\/etc\/mail\/access:5/)
  assert.match(first, /tls_clt_features yes: TLS with mx\.grussell\.org is on terms of its own/)
  assert.match(
    first,
    /tls_server +no: +mx\.grussell\.org, in clear text: mail comes back: 503 5\.7\.0 other side does not support STARTTLS .*access:2/,
  )
  assert.match(
    first,
    /tls_server +no: +mx\.grussell\.org, over TLS that nobody vouches for: mail comes back: 503 5\.7\.0 not authenticated/,
  )
  assert.match(first, /tls_server +yes: mx\.grussell\.org, over TLS with a good certificate: good enough/)
  assert.match(
    first,
    /tls_rcpt +\?\?: +gor@grussell\.org, in clear text: mail waits: 454 4\.7\.0 encryption too weak 0/,
  )
  assert.match(first, /consulted because of FEATURE\(access_db\) +\/etc\/mail\/sendmail\.mc:1/)
  assert.match(
    await told(other, "x@example.org"),
    /try_tls +yes: STARTTLS is not tried with .*sendmail\.mc:5/,
  )
  const smart = await told({ host: "smart.test", address: "192.0.2.28" }, "x@example.org")
  assert.match(smart, /authinfo +yes: we log in to smart\.test +\/etc\/mail\/access:7/)
  assert.doesNotMatch(smart, /sesame/)
  assert.deepEqual(await securityOf().security.foresee(other, "x@example.org"), [])
})
