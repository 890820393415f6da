// Signatures in the threads: the examples of the RFCs, and dkimpy and opendkim as judges of ours, and we of theirs.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { peerVersion, runPeer, withoutPeers } from "../../test/kit/peers.ts"
import type { DnsAnswer } from "../mail/world.ts"
import { makeKeys, recordOf } from "./dkim-keys.ts"
import { SignatureThreads } from "./mailauth.ts"
import type { Found, Job, SigningKey } from "./mailauth-requests.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-dkim-peers-"))
after(() => rmSync(directory, { recursive: true }))
const made = makeKeys(directory, "napier.ac.uk", "nov")
assert.ok(made.ok, made.ok ? "" : made.error)
const keys: readonly SigningKey[] = made.ok ? made.value : []
const [rsa, ed25519] = keys
assert.ok(rsa !== undefined && ed25519 !== undefined)

const published = new Map(
  keys.map((key) => recordOf("napier.ac.uk", key)).map(({ name, text }) => [name, text]),
)
// RFC 8463 appendix A.2, RFC 6376 appendix C
published.set(
  "brisbane._domainkey.football.example.com",
  "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
)
published.set(
  "test._domainkey.football.example.com",
  "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
)
published.set(
  "brisbane._domainkey.example.com",
  "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB",
)

async function txt(name: string): Promise<DnsAnswer<string>> {
  const text = published.get(name)
  return text === undefined
    ? { found: "nothing", why: "no such name", secure: false }
    : { found: "records", records: [text], secure: false, ttl: 60 }
}

const threads = new SignatureThreads(txt, (line) => assert.fail(line))
after(() => threads.close())

async function done(job: Job, text: string): Promise<Found> {
  const result = await threads.do(job, () => [Buffer.from(text)])
  assert.ok(result.ok, result.ok ? "" : result.error)
  return result.value.found
}

async function verified(text: string): Promise<readonly string[]> {
  const found = await done({ does: "verify", dkim: true, arc: true }, text)
  assert.equal(found.did, "verify")
  return found.did === "verify"
    ? found.signatures.map(({ result, algorithm, why }) => `${algorithm} ${result}${why ?? ""}`)
    : []
}

const crlf = (text: string) => text.replaceAll("\n", "\r\n")

const football = (gap: string) => `From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.${gap}Are you hungry yet?

Joe.
`

test("the example of RFC 8463 appendix A passes with both of its signatures", async () => {
  const text = `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
${football("  ")}`
  assert.deepEqual(await verified(crlf(text)), ["ed25519-sha256 pass", "rsa-sha256 pass"])
  assert.deepEqual(await verified(crlf(text.replace("hungry", "angry"))), [
    "ed25519-sha256 failbody hash did not verify",
    "rsa-sha256 failbody hash did not verify",
  ])
})

test("the example of RFC 6376 appendix A.2 passes, and does no more when a header field is changed", async () => {
  const text = `DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
${football(" ")}`
  assert.deepEqual(await verified(crlf(text)), ["rsa-sha256 pass"])
  assert.deepEqual(await verified(crlf(text.replace("Is dinner", "Was dinner"))), [
    "rsa-sha256 failbad signature",
  ])
})

const letters = {
  plain:
    "From: Gordon <gordon@napier.ac.uk>\nTo: ann@hello.com\nSubject: plain\nDate: Tue, 24 Nov 2026 09:00:00 +0000\nMessage-ID: <1@napier.ac.uk>\n\nHello Ann,\n\n  two  blanks \t\n\n\n",
  "no body": "From: gordon@napier.ac.uk\nSubject: no body\n\n",
  "folded, 8-bit, blank lines first":
    "From: gordon@napier.ac.uk\nTo: ann@hello.com,\n\tandrew@hello.com\nSubject: caf\u00e9\n  folded \nCc: \nList-Id: <x.hello.com>\nContent-Type: text/plain; charset=utf-8\n\n\n\nna\u00efve \t.\n.\nend\n",
}

async function signed(text: string): Promise<string> {
  const whole = crlf(text)
  const headerSize = Buffer.from(whole).indexOf("\r\n\r\n") + 4
  const found = await done(
    { does: "sign", domain: "napier.ac.uk", keys, headerSize, seconds: Math.floor(Date.now() / 1000) },
    whole,
  )
  return found.did === "sign" ? found.fields + whole : ""
}

const python = `
import sys, json, dkim
asked = json.load(sys.stdin)
msg = asked["message"].encode("utf-8")
find = lambda name, timeout=5: asked["keys"].get((name.decode() if isinstance(name, bytes) else name).rstrip("."), "").encode()
if asked["do"] == "verify":
    d = dkim.DKIM(msg)
    count = msg.lower().count(b"dkim-signature:")
    print(json.dumps([d.verify(idx=n, dnsfunc=find) for n in range(count)]))
elif asked["do"] == "sign":
    key = asked["pem"].encode()
    sig = dkim.sign(msg, b"novr", b"napier.ac.uk", key, canonicalize=(asked["c"].encode(), asked["c"].encode()))
    print(json.dumps(sig.decode()))
elif asked["do"] == "arc":
    cv, results, why = dkim.arc_verify(msg, dnsfunc=find)
    print(json.dumps([cv.decode(), why]))
`

function dkimpy(asked: Readonly<Record<string, unknown>>): unknown {
  const ran = runPeer(
    "dkimverify",
    { path: "/usr/bin/python3", args: ["-c", python] },
    JSON.stringify({ ...asked, keys: Object.fromEntries(published) }),
  )
  assert.equal(ran.status, 0, ran.stderr)
  return JSON.parse(ran.stdout)
}

const skipDkimpy = withoutPeers("dkimverify")

for (const [what, text] of Object.entries(letters)) {
  test(`dkimpy verifies both our signatures: ${what}`, { skip: skipDkimpy }, async (context) => {
    context.diagnostic(peerVersion("dkimverify"))
    assert.deepEqual(dkimpy({ do: "verify", message: await signed(text) }), [true, true])
  })

  test(`we verify dkimpy's signature, relaxed and simple: ${what}`, { skip: skipDkimpy }, async () => {
    for (const c of ["relaxed", "simple"]) {
      const field = dkimpy({ do: "sign", message: crlf(text), pem: rsa?.pem ?? "", c })
      assert.deepEqual(await verified(`${field}${crlf(text)}`), ["rsa-sha256 pass"], c)
    }
  })
}

test("dkimpy finds our chain of seals good, first and second", { skip: skipDkimpy }, async () => {
  const seal = async (text: string, cv: "none" | "pass") => {
    const found = await done(
      {
        does: "seal",
        domain: "napier.ac.uk",
        key: rsa,
        results: "mx.test;\r\n\tarc=none;\r\n\tdmarc=pass",
        cv,
        seconds: Math.floor(Date.now() / 1000),
      },
      text,
    )
    return found.did === "seal" ? found.fields + text : ""
  }
  const first = await seal(crlf(letters.plain), "none")
  assert.deepEqual(dkimpy({ do: "arc", message: first }), ["pass", "success"])
  assert.deepEqual(dkimpy({ do: "arc", message: await seal(first, "pass") }), ["pass", "success"])
})

test("a body whose last line has no end is hashed as if it had one (RFC 6376 §3.4.4)", async () => {
  assert.deepEqual(await verified(await signed("From: gordon@napier.ac.uk\n\nno end")), [
    "rsa-sha256 pass",
    "ed25519-sha256 pass",
  ])
})

const skipOpendkim = withoutPeers("opendkim")

test("opendkim verifies our RSA signature, and we verify opendkim's", {
  skip: skipOpendkim,
}, async (context) => {
  context.diagnostic(peerVersion("opendkim"))
  const binds = { "/tmp/dkim": directory }
  writeFileSync(join(directory, "keys"), [...published].map(([name, text]) => `${name} ${text}\n`).join(""))
  writeFileSync(join(directory, "opendkim.conf"), "TestPublicKeys /tmp/dkim/keys\nMode v\n")
  for (const [what, text] of Object.entries(letters)) {
    const whole = await signed(text)
    // It knows no Ed25519, and looks at the first signature.
    writeFileSync(join(directory, "letter"), whole)
    const args = ["-f", "-x", "/tmp/dkim/opendkim.conf", "-t", "/tmp/dkim/letter"]
    const ran = runPeer("opendkim", { args, binds })
    assert.match(
      ran.stdout + ran.stderr,
      /verification \(s=novr,? d=napier\.ac\.uk, \d+-bit key\) succeeded/,
      what,
    )
  }
  writeFileSync(join(directory, "key.pem"), rsa?.pem ?? "")
  const signing =
    "Domain napier.ac.uk\nSelector novr\nKeyFile /tmp/dkim/key.pem\nMode s\nInternalHosts 0.0.0.0/0\nRequireSafeKeys no\n"
  for (const c of ["relaxed/relaxed", "simple/simple", "relaxed/simple"]) {
    writeFileSync(
      join(directory, "sign.conf"),
      `${signing}Canonicalization ${c}\nSignatureAlgorithm rsa-sha256\n`,
    )
    writeFileSync(join(directory, "letter"), crlf(letters.plain))
    const ran = runPeer("opendkim", {
      args: ["-f", "-vv", "-x", "/tmp/dkim/sign.conf", "-t", "/tmp/dkim/letter"],
      binds,
    })
    const field =
      /hvalue='([^']+)'/.exec(ran.stdout + ran.stderr)?.[1] ?? assert.fail(ran.stdout + ran.stderr)
    assert.deepEqual(
      await verified(crlf(`DKIM-Signature: ${field}\n${letters.plain}`)),
      ["rsa-sha256 pass"],
      c,
    )
  }
})
