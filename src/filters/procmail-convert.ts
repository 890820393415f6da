// An rcfile as a Sieve script that does the same, recipe by recipe; what Sieve cannot do stays in it as a comment, and is told with
// its line.
import type { Origin } from "../mail/decision.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { convertCondition, quoted, substituted } from "./convert-conditions.ts"
import { Source } from "./procmail-source.ts"

export type Converted = {
  readonly script: string
  readonly problems: readonly { readonly at: Origin; readonly says: string }[]
}

/** Variables that steer what Sieve has no need of. */
const idle = new Set([
  "LOGFILE",
  "VERBOSE",
  "LOGABSTRACT",
  "LOG",
  "SHELL",
  "SHELLFLAGS",
  "SHELLMETAS",
  "PATH",
  "MAILDIR",
  "LINEBUF",
  "UMASK",
  "LOCKFILE",
  "LOCKEXT",
  "LOCKSLEEP",
  "LOCKTIMEOUT",
  "TIMEOUT",
  "COMSAT",
  "SUSPEND",
  "NORESRETRY",
  "SENDMAIL",
  "SENDMAILFLAGS",
  "MSGPREFIX",
  "DROPPRIVS",
  "ORGMAIL",
])

/** The script, and what it cannot do. */
export function toSieve(file: string, text: string): Converted {
  const converter = new Converter(file, text)
  return converter.convert()
}

type Recipe = {
  readonly flags: ReadonlySet<string>
  readonly conditions: readonly string[]
  readonly at: number
}

class Converter {
  readonly #file: string
  readonly #source: Source
  readonly #known = new Map<string, string>()
  readonly #needs = new Set<string>()
  readonly #problems: { at: Origin; says: string }[] = []
  readonly #out: string[] = []
  #depth = 0
  /** The test of the last recipe without A, for those with it. */
  #last: Result<string> = ok("true")
  #default: string | undefined

  constructor(file: string, text: string) {
    this.#file = file
    this.#source = new Source(file, text)
  }

  convert(): Converted {
    this.#statements()
    if (this.#default !== undefined) this.#line(this.#default)
    const names = [...this.#needs].toSorted().map(quoted).join(", ")
    const head = this.#needs.size === 0 ? "" : `require [${names}];\n`
    return { script: `${head}${this.#out.map((line) => `${line}\n`).join("")}`, problems: this.#problems }
  }

  #line(text: string): void {
    this.#out.push(`${"  ".repeat(this.#depth)}${text}`)
  }

  #problem(at: number, says: string): void {
    this.#problems.push({ at: { file: this.#file, line: this.#source.line(at), column: 1 }, says })
    this.#line(`# ${this.#file}:${this.#source.line(at)}: not converted: ${says.replaceAll("\n", " ")}`)
  }

  #statements(): void {
    const source = this.#source
    while (!source.isAtEnd()) {
      source.skipBlanks()
      const at = source.at
      if (source.takes("\n")) continue
      if (source.takes("#")) this.#line(`#${source.restOfLine()}`)
      else if (source.takes(":")) this.#recipe(at)
      else if (source.takes("}")) {
        if (this.#depth > 0) return
        this.#problem(at, "a } that nothing opened")
      } else this.#assignment(at)
    }
  }

  #assignment(at: number): void {
    const line = this.#source.longLine()
    const found = /^(\w+)[ \t]*=[ \t]*(.*)$/s.exec(line)
    const [, name = "", written = ""] = found ?? []
    if (found === null) return this.#problem(at, `"${line.slice(0, 60)}"`)
    if (/^(?:INCLUDERC|SWITCHRC|HOST|TRAP|EXITCODE|SHIFT|DELIVERED)$/.test(name))
      return this.#problem(at, `${name}: Sieve has nothing that does the same`)
    const value = substituted(written.replace(/^(["'])(.*)\1$/s, "$2"), this.#known)
    if (value.ok && this.#depth === 0) this.#known.set(name, value.value)
    else this.#known.delete(name)
    if (name === "DEFAULT" && value.ok) this.#byDefault(at, value.value)
    else if (!value.ok && !idle.has(name)) this.#problem(at, `${name}: ${value.error}`)
  }

  #byDefault(at: number, folder: string): void {
    const stored = this.#store(folder, "")
    if (stored.ok) this.#default = stored.value
    else this.#problem(at, stored.error)
  }

  #recipe(at: number): void {
    const source = this.#source
    const head = /^\s*(\d*)\s*([A-Za-z\s]*)/.exec(source.restOfLine())
    const flags = new Set((head?.[2] ?? "").replaceAll(/\s/g, ""))
    const old = head?.[1] === "" ? 1 : Number(head?.[1] ?? 0)
    const conditions = this.#conditions(old)
    this.#act({ flags, conditions, at })
  }

  #conditions(old: number): string[] {
    const source = this.#source
    const conditions: string[] = []
    for (let left = old; !source.isAtEnd(); ) {
      source.skipBlanks()
      if (source.takes("*")) conditions.push(source.longLine().trim())
      else if (left > 0) {
        conditions.push(source.longLine().trim())
        left--
      } else if (source.takes("#")) source.restOfLine()
      else if (!source.takes("\n")) break
    }
    return conditions
  }

  /** The test of all its conditions, or why there is none. */
  #test({ flags, conditions }: Recipe): Result<string> {
    for (const flag of ["a", "e"])
      if (flags.has(flag)) return fail(`the flag ${flag}: Sieve does not ask how an action went`)
    const tests: string[] = []
    if (flags.has("A")) {
      if (!this.#last.ok) return fail("the flag A, behind a recipe that was not converted")
      tests.push(this.#last.value)
    }
    const needs: string[] = []
    for (const condition of conditions) {
      const test = convertCondition(condition, { flags, known: this.#known })
      if (!test.ok) return fail(`"${condition.slice(0, 80)}": ${test.error}`)
      tests.push(test.value.text)
      needs.push(...test.value.needs)
    }
    for (const need of needs) this.#needs.add(need)
    const [only = "true"] = tests
    return ok(tests.length <= 1 ? only : `allof (${tests.join(",\n    ")})`)
  }

  #act(recipe: Recipe): void {
    const { flags, at } = recipe
    const test = this.#test(recipe)
    const open = this.#opensBlock()
    if (!flags.has("A") && !flags.has("a")) this.#last = test
    const action = open ? ok("") : this.#action(flags)
    const wrong = !test.ok ? test.error : !action.ok ? action.error : open ? blockProblem(flags) : undefined
    if (wrong !== undefined) this.#problem(at, wrong)
    // A block whose test has no translation must not run: it is read, and stands under a test that never holds.
    const condition = test.ok && wrong === undefined ? test.value : "false"
    if (wrong !== undefined && !open) return
    const word = flags.has("E") && this.#followsBlock() ? "elsif" : "if"
    if (flags.has("E") && word === "if")
      return this.#problem(at, "the flag E, not right behind what it is the else of")
    this.#line(`${word} ${condition} {`)
    this.#depth++
    if (open) this.#statements()
    else if (action.ok) for (const line of action.value.split("\n")) this.#line(line)
    this.#depth--
    this.#line("}")
  }

  #followsBlock(): boolean {
    return this.#out.findLast((line) => !line.trimStart().startsWith("#")) === `${"  ".repeat(this.#depth)}}`
  }

  #opensBlock(): boolean {
    const { text, at } = this.#source
    if (text[at] !== "{" || !/\s/.test(text[at + 1] ?? "\n")) return false
    this.#source.at += 2
    return true
  }

  #action(flags: ReadonlySet<string>): Result<string> {
    const line = this.#source
      .longLine()
      .replace(/[ \t]#.*$/, "")
      .trim()
    if (flags.has("f")) return fail("a filter: Sieve runs no program")
    if (line.startsWith("|") || /^\w+[ \t]*=[ \t]*\|/.test(line))
      return fail(`"${line.slice(0, 60)}": Sieve runs no program`)
    if (flags.has("h") !== flags.has("b")) return fail("only the header or the body is delivered")
    const stop = flags.has("c") ? "" : "\nstop;"
    const put = substituted(line.replace(/^!/, "").trim(), this.#withMailboxes())
    if (!put.ok) return put
    if (!line.startsWith("!")) {
      const stored = this.#store(put.value, flags.has("c") ? ":copy " : "")
      return stored.ok ? ok(`${stored.value}${stop}`) : stored
    }
    if (flags.has("c")) this.#needs.add("copy")
    const addresses = put.value.split(/[\s,]+/)
    if (!addresses.every((one) => one.includes("@")))
      return fail(`"${put.value}": Sieve redirects to whole addresses`)
    const words = addresses.map((one) => `redirect ${flags.has("c") ? ":copy " : ""}${quoted(one)};`)
    return ok(`${words.join("\n")}${stop}`)
  }

  #withMailboxes(): ReadonlyMap<string, string> {
    return new Map([["DEFAULT", "\u0001"], ["ORGMAIL", "\u0001"], ...this.#known])
  }

  /** A folder of procmail as one of Sieve: `Maildir/.a.b/` and `mail/a` are the folders a.b and a. */
  #store(folder: string, tag: string): Result<string> {
    if (folder.includes("\u0001")) return ok("keep;")
    if (folder === "/dev/null") return ok("discard;")
    const home = (this.#known.get("MAILDIR") ?? "").replace(/\/+$/, "")
    const inside = home !== "" && folder.startsWith(`${home}/`) ? folder.slice(home.length + 1) : folder
    const name = inside
      .replace(/^(?:\$HOME\/|~\/)?(?:Maildir|Mail|mail)\//, "")
      .replace(/\/\.?$/, "")
      .replace(/^\./, "")
    if (name === "" || name === "Maildir") return ok("keep;")
    if (/\s/.test(name)) return fail(`"${folder}": several folders at once`)
    if (name.startsWith("/")) return fail(`"${folder}" is outside of the mailbox`)
    this.#needs.add("fileinto")
    if (tag !== "") this.#needs.add("copy")
    return ok(`fileinto ${tag}${quoted(name)};`)
  }
}

function blockProblem(flags: ReadonlySet<string>): string | undefined {
  return flags.has("c") ? "a block with c, which a copy goes through alone" : undefined
}
