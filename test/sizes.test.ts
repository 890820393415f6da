// How long files and functions are. The limits are hard; the lists are for the eye: what is longest is read first.
import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { parseSync, Visitor } from "rolldown/utils"

const root = join(import.meta.dirname, "..")
const most = { file: 500, function: 60 }

type Piece = { readonly where: string; readonly lines: number }

function sources(): string[] {
  return ["build", "src", "test", "bench"]
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) =>
        join(folder, path),
      ),
    )
    .filter((path) => /\.(?:ts|mjs)$/.test(path))
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8")
}

/** The functions of a file that are no tests, each with its lines of code: blank lines and comments cost nothing. */
function functionsOf(path: string): Piece[] {
  const text = read(path)
  const found: Piece[] = []
  const measure = (node: { start: number; end: number }) => {
    const line = text.slice(0, node.start).split("\n").length
    found.push({ where: `${path}:${line}`, lines: codeLines(text.slice(node.start, node.end)) })
  }
  new Visitor({
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
  }).visit(parseSync(path, text).program)
  return found
}

function codeLines(text: string): number {
  return text.split("\n").filter((line) => !/^\s*(?:$|\/\/|\/\*|\*)/.test(line)).length
}

function longest(pieces: readonly Piece[]): Piece[] {
  return pieces.toSorted((a, b) => b.lines - a.lines).slice(0, 10)
}

function print({ where, lines }: Piece): string {
  return `${String(lines).padStart(5)}  ${where}`
}

test("no file is longer than 500 lines", (t) => {
  const pieces = sources().map((where) => ({ where, lines: read(where).trimEnd().split("\n").length }))
  t.diagnostic(["the ten longest files:", ...longest(pieces).map(print)].join("\n"))
  assert.deepEqual(pieces.filter(({ lines }) => lines > most.file).map(print), [])
})

test("no function is longer than 60 lines", (t) => {
  const pieces = sources()
    .filter((path) => path.startsWith("src/") && !path.endsWith(".test.ts"))
    .flatMap(functionsOf)
  t.diagnostic(["the ten longest functions:", ...longest(pieces).map(print)].join("\n"))
  assert.deepEqual(pieces.filter(({ lines }) => lines > most.function).map(print), [])
})
