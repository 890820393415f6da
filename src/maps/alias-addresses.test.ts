import assert from "node:assert/strict"
import { test } from "node:test"
import { badAddresses } from "./alias-addresses.ts"
import { parseAliases } from "./aliases.ts"

test("addresses that are none are told with their lines; names, programs, files and lists are not looked at", () => {
  const file = parseAliases(`me: gor, Jim Smith <jim@hello.com>
list: ann@@hello.com, |/bin/x@y@, /var/log/a@@b, :include:/srv/a@@b,
\tbob@hello..com, \\andrew
here: @hello.com, host!user, "odd name"@hello.com
`)
  assert.deepEqual(
    badAddresses(file).map(({ line, says, severity }) => `${line} ${severity}: ${says}`),
    [
      "2 warning: ann@@hello.com... bad address",
      "2 warning: bob@hello..com... bad address",
      "4 warning: @hello.com... bad address",
    ],
  )
})
