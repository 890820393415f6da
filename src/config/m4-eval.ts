// The arithmetic of m4's eval: 32-bit integers, C's operators and their precedence, and ** for powers.
import { fail, ok, type Result } from "../mail/result.ts"

/** Evaluates an expression. Errors are words: "division by zero". */
export function evaluate(expression: string): Result<number> {
  const tokens = tokenize(expression)
  if (!tokens.ok) return tokens
  const parser: Parser = { tokens: tokens.value, next: 0, wrong: undefined }
  if (parser.tokens.length === 0) return ok(0)
  const value = binary(parser, 0)
  if (parser.wrong !== undefined) return fail(parser.wrong)
  return parser.next < parser.tokens.length ? fail(`unexpected ${parser.tokens[parser.next]}`) : ok(value | 0)
}

type Parser = { readonly tokens: readonly string[]; next: number; wrong: string | undefined }

const tokenPattern =
  /\s*(0[xX][0-9a-fA-F]+|0[bB][01]+|0[rR][0-9]+:[0-9a-zA-Z]+|[0-9]+|\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%()~!<>&^|=])/y

function tokenize(expression: string): Result<string[]> {
  const tokens: string[] = []
  const text = expression.trimEnd()
  for (tokenPattern.lastIndex = 0; tokenPattern.lastIndex < text.length; ) {
    const at = tokenPattern.lastIndex
    const match = tokenPattern.exec(text)
    if (match?.[1] === undefined) return fail(`cannot read "${text.slice(at).trim().slice(0, 20)}"`)
    tokens.push(match[1])
  }
  return ok(tokens)
}

// From the weakest to the strongest, as in the manual of GNU m4.
const levels: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!=", "="],
  ["<", "<=", ">", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
]

function binary(parser: Parser, level: number): number {
  const operators = levels[level]
  if (operators === undefined) return power(parser)
  let left = binary(parser, level + 1)
  for (;;) {
    const operator = parser.tokens[parser.next]
    if (operator === undefined || !operators.includes(operator)) return left
    parser.next++
    left = apply(parser, operator, left, binary(parser, level + 1))
  }
}

function power(parser: Parser): number {
  const base = unary(parser)
  if (parser.tokens[parser.next] !== "**") return base
  parser.next++
  const exponent = power(parser)
  if (exponent < 0) {
    parser.wrong ??= base === 0 ? "division by zero" : "negative exponent"
    return 0
  }
  if (base === 0 && exponent === 0) {
    parser.wrong ??= "division by zero"
    return 0
  }
  return raise(base, exponent)
}

function raise(base: number, exponent: number): number {
  let result = 1
  let factor = base
  for (let left = exponent; left > 0; left >>>= 1) {
    if (left & 1) result = Math.imul(result, factor)
    factor = Math.imul(factor, factor)
  }
  return result
}

function unary(parser: Parser): number {
  const token = parser.tokens[parser.next++]
  switch (token) {
    case "-":
      return -unary(parser) | 0
    case "+":
      return unary(parser)
    case "!":
      return unary(parser) === 0 ? 1 : 0
    case "~":
      return ~unary(parser)
    case "(":
      return parenthesized(parser)
    default:
      return number(parser, token)
  }
}

function parenthesized(parser: Parser): number {
  const value = binary(parser, 0)
  if (parser.tokens[parser.next++] !== ")") parser.wrong ??= "missing )"
  return value
}

function number(parser: Parser, token: string | undefined): number {
  if (token === undefined || !/^[0-9]/.test(token)) {
    parser.wrong ??= token === undefined ? "the expression ends too early" : `unexpected ${token}`
    return 0
  }
  const radix = /^0[rR]([0-9]+):(.*)$/.exec(token)
  if (radix !== null) return inRadix(parser, radix[2] ?? "", Number(radix[1]))
  if (/^0[xX]/.test(token)) return Number.parseInt(token, 16) | 0
  if (/^0[bB]/.test(token)) return inRadix(parser, token.slice(2), 2)
  return inRadix(parser, token, token.startsWith("0") ? 8 : 10)
}

function inRadix(parser: Parser, digits: string, radix: number): number {
  let value = 0
  for (const digit of digits.toLowerCase()) {
    const amount = Number.parseInt(digit, 36)
    // Radix 1 counts ones.
    if (amount >= radix && !(radix === 1 && amount === 1)) {
      parser.wrong ??= `bad digit ${digit}`
      return 0
    }
    value = (Math.imul(value, radix) + amount) | 0
  }
  return value
}

function apply(parser: Parser, operator: string, left: number, right: number): number {
  switch (operator) {
    case "||":
      return left !== 0 || right !== 0 ? 1 : 0
    case "&&":
      return left !== 0 && right !== 0 ? 1 : 0
    case "|":
      return left | right
    case "^":
      return left ^ right
    case "&":
      return left & right
    case "==":
    case "=":
      return left === right ? 1 : 0
    case "!=":
      return left === right ? 0 : 1
    case "<<":
      return left << right
    case ">>":
      return left >> right
    default:
      return arithmetic(parser, operator, left, right)
  }
}

function arithmetic(parser: Parser, operator: string, left: number, right: number): number {
  switch (operator) {
    case "<":
      return left < right ? 1 : 0
    case "<=":
      return left <= right ? 1 : 0
    case ">":
      return left > right ? 1 : 0
    case ">=":
      return left >= right ? 1 : 0
    case "+":
      return (left + right) | 0
    case "-":
      return (left - right) | 0
    case "*":
      return Math.imul(left, right)
  }
  if (right === 0) {
    parser.wrong ??= operator === "/" ? "division by zero" : "modulo by zero"
    return 0
  }
  return (operator === "/" ? Math.trunc(left / right) : left % right) | 0
}

/** An integer in a radix, with leading zeros up to a width, the sign in front. */
export function printInteger(value: number, radix: number, width: number): string {
  const size = Math.abs(value)
  const digits = radix === 1 ? "1".repeat(Math.min(size, 1_000_000)) : size.toString(radix)
  return (value < 0 ? "-" : "") + digits.padStart(Math.min(width, 1_000_000), "0")
}
