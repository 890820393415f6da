import assert from "node:assert/strict"
import { test } from "node:test"
import { scanHeader } from "../message/header.ts"
import { hasArc, wrongArcFields } from "./arc-fields.ts"

const seal = "i=1; a=rsa-sha256; t=12345; cv=none; d=example.org; s=dummy; b=dOdFEyhrk/tw5wl3vMIogoxhaVsKJkrk"
const signature =
  "i=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; h=from:to; s=dummy; t=12345; bh=KWSe46TZKCcDbH4klJPo+tjk5LWJnVRlP5pvjXFZYLQ=; b=QsRzR/UqwRfVLBc1"

const wrong = (name: string, value: string) =>
  wrongArcFields(scanHeader(Buffer.from(`${name}: ${value}\r\n\r\n`)))

/** Each changes a good field; the last column is what is said of it, nothing when it stays good (RFC 6376 §3.2, RFC 8617 §4.1). */
const cases: readonly (readonly [
  name: "ARC-Seal" | "ARC-Message-Signature",
  from: string | RegExp,
  to: string,
  says: RegExp | undefined,
])[] = [
  ["ARC-Seal", "", "", undefined],
  ["ARC-Seal", /$/, ";", undefined],
  ["ARC-Seal", /$/, " ; ", undefined],
  ["ARC-Seal", /;/g, " ;\r\n ", undefined],
  ["ARC-Seal", "cv=none", "cv = none", undefined],
  ["ARC-Seal", "cv=none", "cv=None", undefined],
  ["ARC-Seal", "t=12345", "x-new=1; t=12345", /"x-new" is no name/],
  ["ARC-Seal", "t=12345", "new=1", undefined],
  ["ARC-Seal", "VsKJkrk", "Vs\r\n KJk rk", undefined],
  ["ARC-Seal", /$/, ";;", /an empty tag/],
  ["ARC-Seal", "i=1; a", "i=1 a", /no number|no algorithm|a= is missing/],
  ["ARC-Seal", "; cv", "; ; cv", /an empty tag/],
  ["ARC-Seal", "cv=none", "cv=none; cv=none", /cv= stands twice/],
  ["ARC-Seal", "cv=none", "CV=none", /cv= is missing/],
  ["ARC-Seal", "cv=none", "cv=maybe", /cv=maybe/],
  ["ARC-Seal", "cv=none", "cv=", /cv=/],
  ["ARC-Seal", "cv=none", "cv", /"cv" has no "="/],
  ["ARC-Seal", "s=dummy", "s=dum\u00a0my", /letters it may not have/],
  ["ARC-Seal", "s=dummy", "s=", /no selector/],
  ["ARC-Seal", "d=example.org", "d=exa mple.org", /no domain/],
  ["ARC-Seal", "d=example.org", "d=^example.org", /no domain/],
  ["ARC-Seal", "a=rsa-sha256", "a=rsa-sha1", /no algorithm/],
  ["ARC-Seal", "a=rsa-sha256", "a=RSA-sha256", /no algorithm/],
  ["ARC-Seal", "t=12345", "t=1234s", /no time/],
  ["ARC-Seal", "t=12345", "h=from", /h= must not stand/],
  ["ARC-Seal", "i=1", "i=0", /i=0/],
  ["ARC-Seal", "i=1", "i=51", /i=51/],
  ["ARC-Seal", "i=1", "i=one", /i=one/],
  ["ARC-Seal", "i=1", "1=1", /"1" is no name/],
  ["ARC-Seal", "VsKJkrk", "VsKJkr", /b= is no base64/],
  ["ARC-Seal", "VsKJkrk", "VsKJk#k", /b= is no base64/],
  ["ARC-Message-Signature", "", "", undefined],
  ["ARC-Message-Signature", "h=from:to", "h=From : To", undefined],
  ["ARC-Message-Signature", "h=from:to", "h=from:arc-seal", /covers the seal/],
  ["ARC-Message-Signature", "h=from:to", "h=from::to", /a name that is none/],
  ["ARC-Message-Signature", "h=from:to", "h=", /a name that is none/],
  ["ARC-Message-Signature", "h=from:to; ", "", /h= is missing/],
  ["ARC-Message-Signature", "bh=KW", "bh=K!", /bh= is no base64/],
]

for (const [name, from, to, says] of cases) {
  test(`${name} with ${from} → ${JSON.stringify(to)} is ${says === undefined ? "good" : `wrong: ${says.source}`}`, () => {
    const good = name === "ARC-Seal" ? seal : signature
    const value = good.replace(from, to)
    const found = wrong(name, value)
    if (says === undefined) assert.equal(found, undefined)
    else assert.match(found ?? "nothing wrong", says)
  })
}

test("a message without fields of ARC has no chain, and nothing wrong with it", () => {
  const header = scanHeader(Buffer.from("From: ann@hello.com\r\nX-ARC-Seal: nonsense\r\n\r\n"))
  assert.equal(hasArc(header), false)
  assert.equal(wrongArcFields(header), undefined)
})
