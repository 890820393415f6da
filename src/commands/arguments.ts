// Reading a command's arguments, and the answers to --help and to what cannot be understood. For the commands of `waypost`;
// sendmail's own commands have a grammar of their own.
import { parseArgs } from "node:util"
import { nearest } from "../config/issues.ts"
import { exits, type Io, refuse } from "./io.ts"

export type Option = {
  /** What stands for the value in the usage; undefined: an option without one. */
  readonly value?: string
  /** The values that are allowed. */
  readonly oneOf?: readonly string[]
  readonly says: string
}

export type Usage = {
  /** "waypost start" */
  readonly name: string
  /** What stands for the operands: "[HOST:PORT]"; "" when there are none. */
  readonly operands: string
  readonly mostOperands: number
  readonly about: string
  readonly options: Readonly<Record<string, Option>>
}

export type Arguments = {
  readonly has: (option: string) => boolean
  /** The value as written. */
  readonly text: (option: string) => string | undefined
  readonly operands: readonly string[]
}

/** The option that many commands have. */
export const stateOption: Option = {
  value: "DIR",
  says: "the state directory (else $WAYPOST_STATE, /var/lib/waypost as root, ./var of the checkout)",
}

/** The arguments, or the exit code of a command that has nothing more to do: help was asked for, or something is wrong. */
export function readArguments(usage: Usage, argv: readonly string[], io: Io): Arguments | number {
  if (argv.includes("--help") || argv.includes("-h")) {
    io.stdout.write(printUsage(usage))
    return exits.ok
  }
  const parsed = parseArgs({
    args: [...argv],
    options: options(usage),
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const operands = parsed.positionals
  for (const token of parsed.tokens) {
    if (token.kind !== "option") continue
    const wrong = wrongOption(usage, token.name, token.rawName, token.value, token.inlineValue)
    if (wrong !== undefined)
      return refuse(io, `${usage.name}: ${wrong}; see ${usage.name} --help`, exits.usage)
  }
  const extra = operands[usage.mostOperands]
  if (extra !== undefined) {
    return refuse(
      io,
      `${usage.name}: "${extra}" is one argument too many; see ${usage.name} --help`,
      exits.usage,
    )
  }
  return {
    has: (option) => parsed.values[option] === true,
    text: (option) => {
      const value = parsed.values[option]
      return typeof value === "string" ? value : undefined
    },
    operands,
  }
}

function options(usage: Usage): Record<string, { type: "string" | "boolean" }> {
  const types = Object.entries(usage.options).map(
    ([name, option]) => [name, { type: option.value === undefined ? "boolean" : "string" }] as const,
  )
  return Object.fromEntries(types)
}

function wrongOption(
  usage: Usage,
  name: string,
  raw: string,
  value: string | undefined,
  inline: boolean | undefined,
) {
  const option = Object.hasOwn(usage.options, name) ? usage.options[name] : undefined
  if (option === undefined) {
    const near = nearest(name, Object.keys(usage.options))
    return `unknown option ${raw}${near === undefined ? "" : `; did you mean --${near}?`}`
  }
  if (option.value === undefined) return inline === true ? `${raw} takes no value` : undefined
  if (value === undefined || (value.startsWith("-") && value !== "-" && inline !== true))
    return `${raw} needs ${option.value}`
  if (option.oneOf !== undefined && !option.oneOf.includes(value)) {
    return `${raw} is ${option.oneOf.join(" or ")}, not "${value}"`
  }
  return undefined
}

/** What --help prints. */
export function printUsage(usage: Usage): string {
  const words = Object.entries({ ...usage.options, help: { says: "this text" } }).map(
    ([name, option]: [string, Option]) => ({
      left: `--${name}${option.value === undefined ? "" : ` ${option.value}`}`,
      right: option.says,
    }),
  )
  const width = Math.max(...words.map(({ left }) => left.length))
  const lines = words.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`)
  const operands = usage.operands === "" ? "" : ` ${usage.operands}`
  return `Usage: ${usage.name} [OPTION…]${operands}\n${usage.about}\n\n${lines.join("\n")}\n`
}
