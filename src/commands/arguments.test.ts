import assert from "node:assert/strict"
import { test } from "node:test"
import { readArguments, type Usage } from "./arguments.ts"
import { memoryIo } from "../../test/kit/memory-io.ts"

const usage: Usage = {
  name: "waypost start",
  operands: "[FILE]",
  mostOperands: 1,
  about: "Starts.",
  options: {
    config: { value: "FILE", says: "what to read" },
    "log-format": { value: "FORMAT", oneOf: ["sendmail", "json"], says: "how to log" },
    quiet: { says: "say less" },
  },
}

function read(...argv: string[]) {
  const io = memoryIo()
  return { given: readArguments(usage, argv, io), io }
}

test("options and operands are read in any order", () => {
  const { given } = read("here", "--quiet", "--config", "a.mc", "--log-format=json")
  assert.ok(typeof given !== "number")
  assert.equal(given.has("quiet"), true)
  assert.equal(given.text("config"), "a.mc")
  assert.equal(given.text("log-format"), "json")
  assert.deepEqual(given.operands, ["here"])
})

test("what is not given is absent", () => {
  const { given } = read()
  assert.ok(typeof given !== "number")
  assert.equal(given.has("quiet"), false)
  assert.equal(given.text("config"), undefined)
  assert.deepEqual(given.operands, [])
})

const mistakes: readonly (readonly [string[], string])[] = [
  [
    ["--confg", "x"],
    "waypost start: unknown option --confg; did you mean --config?; see waypost start --help\n",
  ],
  [["--zzzzzzzzzz"], "waypost start: unknown option --zzzzzzzzzz; see waypost start --help\n"],
  [["-q"], "waypost start: unknown option -q; see waypost start --help\n"],
  [["--toString"], "waypost start: unknown option --toString; see waypost start --help\n"],
  [["--config"], "waypost start: --config needs FILE; see waypost start --help\n"],
  [["--config", "--quiet"], "waypost start: --config needs FILE; see waypost start --help\n"],
  [["--quiet=yes"], "waypost start: --quiet takes no value; see waypost start --help\n"],
  [
    ["--log-format", "xml"],
    'waypost start: --log-format is sendmail or json, not "xml"; see waypost start --help\n',
  ],
  [["a", "b"], 'waypost start: "b" is one argument too many; see waypost start --help\n'],
]

for (const [argv, line] of mistakes) {
  test(`${argv.join(" ")} is refused in one line`, () => {
    const { given, io } = read(...argv)
    assert.equal(given, 64)
    assert.equal(io.written.stderr, line)
    assert.equal(io.written.stdout, "")
  })
}

test("--help names every option and ends with 0", () => {
  const { given, io } = read("--help")
  assert.equal(given, 0)
  assert.equal(
    io.written.stdout,
    [
      "Usage: waypost start [OPTION…] [FILE]",
      "Starts.",
      "",
      "  --config FILE        what to read",
      "  --log-format FORMAT  how to log",
      "  --quiet              say less",
      "  --help               this text",
      "",
    ].join("\n"),
  )
})
