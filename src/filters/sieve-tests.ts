// The tests of Sieve: each looks at the message, its envelope, a variable or the clock, and says yes or no.
import { splitDetail } from "../maps/keys.ts"
import { parseAddressList } from "../message/addresses.ts"
import type { Call } from "./sieve-compile.ts"
import { datePart, type Moment, momentOf, zoneOf } from "./sieve-date.ts"
import { compare, comparisonOf } from "./sieve-match.ts"
import { flagsOf, type Run, type SieveSteps } from "./sieve-state.ts"

/** Whether the test holds. */
export function* evaluate(run: Run, test: Call): SieveSteps<boolean> {
  switch (test.name) {
    case "true":
    case "false":
      return test.name === "true"
    case "not":
      return !(yield* all(run, test.tests))
    case "allof":
      return yield* all(run, test.tests)
    case "anyof":
      for (const one of test.tests) if (yield* evaluate(run, one)) return true
      return false
    case "mailboxexists":
      return yield* mailboxesExist(run, test)
    case "duplicate":
      return yield* isDuplicate(run, test)
  }
  return compared(run, test)
}

function* all(run: Run, tests: readonly Call[]): SieveSteps<boolean> {
  for (const one of tests) if (!(yield* evaluate(run, one))) return false
  return true
}

function compared(run: Run, test: Call): boolean {
  const { message } = run.world
  const { tags, arguments: args } = test
  switch (test.name) {
    case "exists":
      return run.list(args[0]).every((name) => message.has(name))
    case "size":
      return tags.has("over")
        ? message.size > Number(tags.get("over"))
        : message.size < Number(tags.get("under"))
    case "header":
      return found(
        run,
        test,
        run.list(args[0]).flatMap((name) => indexed(test, message.values(name))),
        args[1],
      )
    case "address":
      return found(run, test, addresses(run, test), args[1])
    case "envelope":
      return found(
        run,
        test,
        run.list(args[0]).flatMap((name) => envelopePart(run, test, name)),
        args[1],
      )
    case "string":
      return found(run, test, counted(test, run.list(args[0])), args[1])
    case "hasflag":
      return found(run, test, flagsTested(run, test), args.at(-1))
    case "body":
      return body(run, test)
    case "date":
    case "currentdate":
      return date(run, test)
  }
  throw new Error(`the test ${test.name} was compiled and is not known`)
}

function found(
  run: Run,
  test: Call,
  values: readonly string[],
  keys: Call["arguments"][number] | undefined,
): boolean {
  const wanted = run.list(keys)
  const { matches, groups } = compare(comparisonOf(test), values, wanted)
  if (groups !== undefined) run.groups = groups
  return matches
}

/** :count of strings counts those that are not empty (RFC 5229 §5). */
function counted({ tags }: Call, texts: readonly string[]): readonly string[] {
  return tags.has("count") ? texts.filter((text) => text !== "") : texts
}

/** :index and :last (RFC 5260 §6). */
function indexed<T>({ tags }: Call, values: readonly T[]): readonly T[] {
  const index = tags.get("index")
  if (typeof index !== "number") return values
  const at = tags.has("last") ? values.length - index : index - 1
  return values.slice(at < 0 ? values.length : at, at + 1)
}

function addresses(run: Run, test: Call): readonly string[] {
  const values = run.list(test.arguments[0]).flatMap((name) => indexed(test, run.world.message.raw(name)))
  return values
    .flatMap((value) => parseAddressList(value).map(({ address }) => address))
    .flatMap((address) => part(address, test))
}

/** A part of an address; one that it does not have is no value at all (RFC 5233 §4). */
function part(address: string, { tags }: Call): readonly string[] {
  const at = address.lastIndexOf("@")
  const local = unquoted(at < 0 ? address : address.slice(0, at))
  if (tags.has("localpart")) return [local]
  if (tags.has("domain")) return at < 0 ? [] : [address.slice(at + 1)]
  if (!tags.has("user") && !tags.has("detail")) return [at < 0 ? local : `${local}${address.slice(at)}`]
  const split = splitDetail(local)
  if (tags.has("user")) return [split.user]
  return split.detail === undefined ? [] : [split.detail]
}

function unquoted(local: string): string {
  return local.startsWith('"') ? local.slice(1, -1).replaceAll(/\\(.)/g, "$1") : local
}

function envelopePart(run: Run, test: Call, name: string): readonly string[] {
  const { from, to } = run.world.envelope
  const address = name.toLowerCase() === "from" ? from : name.toLowerCase() === "to" ? to : undefined
  if (address === undefined) return []
  return address === "" ? [""] : part(address, test) // RFC 5228 §5.4: the null reverse-path is ""
}

function flagsTested(run: Run, test: Call): readonly string[] {
  const { arguments: args } = test
  if (args.length < 2) return run.flags
  return run.list(args[0]).flatMap((name) => flagsOf([run.variable(name) ?? ""]))
}

function body(run: Run, test: Call): boolean {
  const { message } = run.world
  const { tags, arguments: args } = test
  const types = tags.has("content") ? run.list(tags.get("content")) : undefined
  const before = run.groups
  const texts = tags.has("raw") ? [message.body.toString("utf8")] : message.parts(types)
  const matches = found(run, test, texts, args[0])
  run.groups = before // RFC 5173 §6: body sets no match variables
  return matches
}

function date(run: Run, test: Call): boolean {
  const { tags, arguments: args } = test
  const isCurrent = test.name === "currentdate"
  const [name, ...rest] = isCurrent ? ["", ...args] : args
  const { now, zone } = run.world
  const moments: readonly Moment[] = isCurrent
    ? [{ at: now, zone }]
    : indexed(test, run.world.message.values(run.text(name))).flatMap((value) => momentOf(value) ?? [])
  const [dated] = moments
  if (dated === undefined) return false
  const wanted = tags.has("zone")
    ? zoneOf(run.text(tags.get("zone")))
    : tags.has("originalzone")
      ? dated.zone
      : zone
  const value = datePart({ at: dated.at, zone: wanted ?? zone }, run.text(rest[0]))
  return value !== undefined && found(run, test, [value], rest[1])
}

function* mailboxesExist(run: Run, test: Call): SieveSteps<boolean> {
  for (const name of run.list(test.arguments[0])) {
    const answer = yield { ask: "mailbox", name }
    if (answer.answer !== "yes") return false
  }
  return true
}

const week = 604_800

/** RFC 7352. */
function* isDuplicate(run: Run, { tags }: Call): SieveSteps<boolean> {
  const field = tags.has("header") ? run.text(tags.get("header")) : "message-id"
  const id = tags.has("uniqueid") ? run.text(tags.get("uniqueid")) : run.world.message.raw(field)[0]
  if (id === undefined || id === "") return false
  const handle = `${run.text(tags.get("handle"))}\n${field.toLowerCase()}\n${id}`
  const seconds = Number(tags.get("seconds") ?? week)
  const answer = yield { ask: "duplicate", handle, seconds, last: tags.has("last") }
  return answer.answer === "yes"
}
