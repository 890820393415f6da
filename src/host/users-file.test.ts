import assert from "node:assert/strict"
import { test } from "node:test"
import { array, assert as check, constantFrom, property, record, string } from "fast-check"
import { badName, parseUsers, printUser, withoutUser, withUser } from "./users-file.ts"

const text = `# the reading room
gordon:$scrypt$x:/srv/mail/gordon:2000:2000:Gordon Russell
andrew:
`

test("a user's line gives name, hash, home, ids, full name and its number", () => {
  const { users, issues } = parseUsers(text)
  assert.deepEqual(issues, [])
  assert.deepEqual(users, [
    {
      name: "gordon",
      hash: "$scrypt$x",
      home: "/srv/mail/gordon",
      uid: 2000,
      gid: 2000,
      gecos: "Gordon Russell",
      line: 2,
    },
    { name: "andrew", hash: "", home: "", uid: undefined, gid: undefined, gecos: "", line: 3 },
  ])
})

const wrong: readonly (readonly [string, RegExp])[] = [
  ["gordon", /not name:hash/],
  ["a:b:/c:1:2:d:e", /not name:hash/],
  ["Gordon:", /cannot be a user's name/],
  ["../x:", /cannot be a user's name/],
  ["-f:", /cannot be a user's name/],
  ["a..b:", /cannot be a user's name/],
  ["gordon::relative", /absolute path/],
  ["gordon:::x:y", /numbers, or empty/],
  ["gordon:::1", /go together/],
  ["gordon:::4294967295:1", /numbers, or empty/],
]
for (const [line, why] of wrong) {
  test(`the line "${line}" is said to be wrong and left out`, () => {
    const { users, issues } = parseUsers(`andrew:\n${line}\n`)
    assert.deepEqual(
      users.map(({ name }) => name),
      ["andrew"],
    )
    assert.match(issues[0] ?? "", why)
    assert.match(issues[0] ?? "", /^line 2: /)
  })
}

test("of two lines of one user the first counts and the second is said", () => {
  const { users, issues } = parseUsers("gordon:a\ngordon:b\n")
  assert.equal(users[0]?.hash, "a")
  assert.deepEqual(issues, ["line 2: gordon is here twice"])
})

test("adding, changing and removing a user leaves every other line as it was", () => {
  const user = { name: "hello", hash: "h", home: "", uid: undefined, gid: undefined, gecos: "" }
  const added = withUser(text, user)
  assert.equal(added, `${text}hello:h:\n`)
  assert.equal(withUser(added, { ...user, hash: "new" }), `${text}hello:new:\n`)
  assert.equal(withoutUser(added, "hello"), text)
  assert.equal(withoutUser(text, "nobody"), text)
  assert.equal(withUser("", user), "hello:h:\n")
  assert.equal(withoutUser("hello:h:\n", "hello"), "")
})

test("a printed user is read back as it was", () => {
  const user = record({
    name: constantFrom("a", "gordon", "x.y-z", "u001", "_x"),
    hash: constantFrom("", "$scrypt$ln=15,r=8,p=3$a$b"),
    home: constantFrom("", "/srv/x"),
    ids: constantFrom(undefined, 0, 20_000),
    gecos: string().map((one) => one.replaceAll(/[:\n\r]/g, "")),
  })
  check(
    property(array(user), (users) => {
      const lines = users.map(({ ids, ...rest }, n) => ({
        ...rest,
        name: `${rest.name}${n}`,
        uid: ids,
        gid: ids,
      }))
      const parsed = parseUsers(lines.map((one) => `${printUser(one)}\n`).join(""))
      assert.deepEqual(parsed.issues, [])
      assert.deepEqual(
        parsed.users,
        lines.map((one, n) => ({ ...one, line: n + 1 })),
      )
    }),
  )
})

test("what can be a user is what can be a mailbox's name", () => {
  for (const name of ["gordon", "u001", "a.b", "x-y_z"]) assert.equal(badName(name), undefined)
  for (const name of ["", ".", "..", "a/b", "a b", "a:b", "a\n", "x.", "é", "a".repeat(65)])
    assert.ok(badName(name))
})
