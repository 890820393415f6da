import assert from "node:assert/strict"
import { test } from "node:test"
import { printOrigin } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import { type Site, siteOf } from "../../test/kit/site.ts"
import { canonify } from "./canonify.ts"
import { printDecision, printRoute } from "./explain.ts"
import { resolve } from "./route.ts"

const hello: Site = {
  name: "mail.hello.com",
  classes: { w: ["mail.hello.com", "hello.com", "localhost", "[127.0.0.1]"] },
}

async function way(typed: string, site: Site) {
  const world = siteOf({ ...hello, ...site, classes: { ...hello.classes, ...site.classes } })
  const read = await canonify(typed, world)
  assert.ok(read.outcome === "yes", typed)
  return await resolve(read.value, world)
}

/** `mailer host user`, or the reply. */
async function goes(typed: string, site: Site): Promise<string> {
  const decision = await way(typed, site)
  if (decision.outcome === "yes") {
    const { mailer, host, user } = decision.value.route
    return [mailer, host, user].filter((part) => part !== "").join(" ")
  }
  return decision.outcome === "pass" ? "pass" : replyLine(decision.reply)
}

const mailertable = `example.org	esmtp:[hub.example.net]
.example.org	esmtp:[smart.example.net]
closed.test	error:5.7.1:550 closed
nohost.test	error:nohost no such host here
loc.test	local:
locu.test	local:jim
smtp.test	smtp:smart.example.net
multi.test	esmtp:[gone.example.net]:[smart.example.net]
tmp.test	error:4.7.1:451 not now
rel.test	relay:hub.example.net
bare.test	hub.example.net
.wild.test	esmtp:%1.example.net
other.test	esmtp:ann@hub.example.net
wrong.test	nomailer:hub.example.net
empty.test	esmtp:
all.test	error:5.1.1:550 "quoted words"`

const virtusertable = `joe@virt1.com	bob
plus@virt1.com	andrew
plus+one@virt1.com	jim
plus+*@virt1.com	bob+%1
anydetail+*@virt1.com	andrew%3
err1@virt1.com	error:nouser 550 No such user here
err2@virt1.com	error:5.7.0:550 Go away please
err3@virt1.com	error:D.S.N:553 odd
err4@virt1.com	error:tempfail 450 later
err5@virt1.com	error:just text
remote@virt1.com	far@napier.ac.uk
user0@virt1.com	%0@napier.ac.uk
det3+*@virt1.com	%2-%3@napier.ac.uk
back@virt1.com	\\jim
loop@virt1.com	loop@virt1.com
@virt1.com	%1@hello.com
list@virt2.com	team
chain@virt2.com	joe@virt1.com
some++@virt2.com	with
@virt2.com	%1%3`

const mailer: Site = { tables: { mailertable } }
const virtual: Site = { tables: { virtusertable }, classes: { VirtHost: ["virt1.com", "virt2.com"] } }
const smart: Site = { macros: { S: "smart.example.net" } }
const question: Site = {
  tables: { virtusertable: "andrew@hello.com andrew\njim@hello.com andrew\n@hello.com bob" },
}

const cases: readonly (readonly [string, Site, string])[] = [
  ["bob", {}, "local bob"],
  ["bob@hello.com", {}, "local bob"],
  ["nosuch@mail.hello.com", {}, "local nosuch"],
  ["bob+tag@hello.com", {}, "local bob+tag"],
  ["x@[127.0.0.1]", {}, "local x"],
  ["x@[192.0.2.20]", {}, "esmtp [192.0.2.20] x@[192.0.2.20]"],
  ["x@napier.ac.uk", {}, "esmtp napier.ac.uk x@napier.ac.uk"],
  ["user%napier.ac.uk@hello.com", {}, "esmtp napier.ac.uk user@napier.ac.uk"],
  ['"quo ted"@napier.ac.uk', {}, 'esmtp napier.ac.uk "quo ted"@napier.ac.uk'],
  ["x@napier.ac.uk", { mailers: ["local"] }, "553 5.1.2 Unrecognized host name napier.ac.uk"],
  // mailertable
  ["x@example.org", mailer, "esmtp [hub.example.net] x@example.org"],
  ["x@a.b.example.org", mailer, "esmtp [smart.example.net] x@a.b.example.org"],
  ["x@EXAMPLE.org.", mailer, "esmtp [hub.example.net] x@EXAMPLE.org"],
  ["x%example.org@hello.com", mailer, "esmtp [hub.example.net] x@example.org"],
  ["x@closed.test", mailer, "550 5.7.1 closed"],
  ["x@nohost.test", mailer, "553 5.3.0 nohost no such host here"],
  ["u@loc.test", mailer, "local u@loc.test u"],
  ["u@locu.test", mailer, "local u@locu.test jim"],
  ["u@smtp.test", mailer, "smtp smart.example.net u@smtp.test"],
  ["u@multi.test", mailer, "esmtp [gone.example.net]:[smart.example.net] u@multi.test"],
  ["u@tmp.test", mailer, "451 4.7.1 not now"],
  ["u@rel.test", mailer, "relay hub.example.net u@rel.test"],
  ["u@bare.test", mailer, "relay hub.example.net u@bare.test"],
  ["u@a.b.wild.test", mailer, "esmtp a.b.example.net u@a.b.wild.test"],
  ["u@wild.test", mailer, "esmtp wild.test u@wild.test"],
  ["u@other.test", mailer, "esmtp hub.example.net ann@hub.example.net"],
  ["u@all.test", mailer, "550 5.1.1 quoted words"],
  ["u@wrong.test", mailer, "451 4.3.0 Temporary system failure. Please try again later."],
  ["u@empty.test", mailer, "451 4.3.0 Temporary system failure. Please try again later."],
  ["u@[192.0.2.1]", mailer, "esmtp [192.0.2.1] u@[192.0.2.1]"],
  ["bob@hello.com", mailer, "local bob"],
  [
    "u@example.org",
    { silent: ["mailertable"] },
    "451 4.3.0 Temporary system failure. Please try again later.",
  ],
  [
    "u@x.example.net",
    { tables: { mailertable: ". relay:out.example.org" } },
    "relay out.example.org u@x.example.net",
  ],
  // virtusertable
  ["joe@virt1.com", virtual, "local bob"],
  ["x@virt1.com", virtual, "local x"],
  ["x+det@virt1.com", virtual, "local x"],
  ["plus@virt1.com", virtual, "local andrew"],
  ["plus+one@virt1.com", virtual, "local jim"],
  ["plus+two@virt1.com", virtual, "local bob+plus"],
  ["anydetail+zzz@virt1.com", virtual, "local andrew+zzz"],
  ["err1@virt1.com", virtual, "550 5.0.0 No such user here"],
  ["err2@virt1.com", virtual, "550 5.7.0 Go away please"],
  ["err3@virt1.com", virtual, "553 5.0.0 odd"],
  ["err4@virt1.com", virtual, "450 4.0.0 later"],
  ["err5@virt1.com", virtual, "553 5.3.0 text"],
  ["remote@virt1.com", virtual, "esmtp napier.ac.uk far@napier.ac.uk"],
  ["user0@virt1.com", virtual, "553 5.1.3 Invalid route address"],
  ["det3+abc@virt1.com", virtual, "esmtp napier.ac.uk abc-+abc@napier.ac.uk"],
  ["back@virt1.com", virtual, "local \\jim"],
  ["loop@virt1.com", virtual, "554 5.4.6 Address rewriting loop"],
  ["list@virt2.com", virtual, "local team"],
  ["chain@virt2.com", virtual, "local bob"],
  ["some+thing@virt2.com", virtual, "local with"],
  ["some@virt2.com", virtual, "local some"],
  ["y+d@virt2.com", virtual, "local y+d"],
  ["x@sub.virt1.com", virtual, "esmtp sub.virt1.com x@sub.virt1.com"],
  ["joe", virtual, "local joe"],
  [
    "joe@virt1.com",
    { silent: ["virtusertable"], classes: { VirtHost: ["virt1.com"] } },
    "451 4.3.0 Temporary system failure. Please try again later.",
  ],
  // everyone at hello.com but andrew and jim goes to bob; andrew and jim to andrew
  ["andrew@hello.com", question, "local andrew"],
  ["jim@hello.com", question, "local andrew"],
  ["Jim@HELLO.com", question, "local andrew"],
  ["jim+x@hello.com", question, "local andrew"],
  ["anyone@hello.com", question, "local bob"],
  ["jim@mail.hello.com", question, "local jim"],
  // smart host
  ["x@napier.ac.uk", smart, "relay smart.example.net x@napier.ac.uk"],
  ["x@[192.0.2.20]", smart, "esmtp smart.example.net x@[192.0.2.20]"],
  ["bob@hello.com", smart, "local bob"],
  ["x@napier.ac.uk", { macros: { S: "esmtp:[192.0.2.25]" } }, "esmtp [192.0.2.25] x@napier.ac.uk"],
  ["x@napier.ac.uk", { macros: { S: "error:5.7.1:550 no way out" } }, "550 5.7.1 no way out"],
  ["x@example.org", { ...smart, ...mailer }, "esmtp [hub.example.net] x@example.org"],
  // redirect
  [
    "bob@hello.com.REDIRECT",
    { features: { redirect: [] } },
    "551 5.1.1 User has moved; please try <bob@hello.com>",
  ],
  ["bob@hello.com.REDIRECT", {}, "esmtp hello.com.redirect bob@hello.com.REDIRECT"],
]

for (const [typed, site, expected] of cases) {
  test(`${typed} → ${expected} (${Object.keys(site).join(", ") || "no tables"})`, async () => {
    assert.equal(await goes(typed, site), expected)
  })
}

test("explain prints the trail with its lines", async () => {
  const decision = await way("u@a.example.org", { tables: { mailertable } })
  const lines = printDecision("u@a.example.org", decision, ({ route }) => printRoute(route))
  assert.deepEqual(lines, [
    "u@a.example.org → mailer esmtp, host [smart.example.net], user u@a.example.org",
    "  local?          no:  a.example.org is not in class w",
    '  mailertable     yes: ".example.org" says "esmtp:[smart.example.net]"  /etc/mail/mailertable:2',
    "                       consulted because of FEATURE(mailertable)        /etc/mail/sendmail.mc:101",
  ])
})

test("a line that is wrong is cited with what is wrong", async () => {
  const decision = await way("u@wrong.test", mailer)
  assert.equal(decision.reason.at && printOrigin(decision.reason.at), "/etc/mail/mailertable:14")
  assert.match(decision.reason.says, /there is no mailer "nomailer" here/)
})
