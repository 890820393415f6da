import assert from "node:assert/strict"
import { test } from "node:test"
import { gecosName } from "./full-name.ts"

for (const [gecos, login, name] of [
  ["Gordon Russell", "gordon", "Gordon Russell"],
  ["Gordon Russell,Room 12,1234,", "gordon", "Gordon Russell"],
  ["& Russell", "gordon", "Gordon Russell"],
  ["Gordon;home", "gordon", "Gordon"],
  ["Gordon % office", "gordon", "Gordon"],
  ["", "gordon", undefined],
  [",,,", "gordon", undefined],
  ["  ", "gordon", undefined],
] as const) {
  test(`the account ${login} with "${gecos}" is of ${name ?? "nobody known"}`, () => {
    assert.equal(gecosName(gecos, login), name)
  })
}
