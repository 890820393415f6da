// A Sieve script run on a message: which actions follow, and which line said so. Nothing is done here: actions are a list, and
// what only the world knows (other scripts, mailboxes, what was seen before) is asked for by yielding.
import type { Call, Script } from "./sieve-compile.ts"
import { isFieldName, sieveAddress } from "./sieve-checks.ts"
import { compare, comparisonOf } from "./sieve-match.ts"
import {
  type Action,
  flagsOf,
  most,
  Run,
  SieveFailure,
  type SieveResult,
  type SieveSteps,
  type SieveWorld,
} from "./sieve-state.ts"
import { evaluate } from "./sieve-tests.ts"
import { changed } from "./sieve-variables.ts"

/** `stop`, and `return` of an included script: caught where the script began. */
class Stopped extends Error {}
class Returned extends Error {}

/** Runs a script. */
export function* runSieve(script: Script, world: SieveWorld): SieveSteps<SieveResult> {
  const run = new Run(script, world)
  try {
    yield* block(run, script.calls)
  } catch (error) {
    if (error instanceof SieveFailure) return failed(run, error.message)
    if (!(error instanceof Stopped || error instanceof Returned)) throw error
  }
  if (run.keeps)
    run.actions.push({ kind: "store", folder: undefined, flags: run.flags, create: false, at: undefined })
  return { actions: unified(run.actions), told: run.told, failed: undefined }
}

/** RFC 5228 §2.10.6: what is wrong with a script must not lose mail. */
function failed(run: Run, why: string): SieveResult {
  const keep: Action = { kind: "store", folder: undefined, flags: [], create: false, at: undefined }
  return { actions: [keep], told: run.told, failed: why }
}

/** RFC 5228 §2.10.3: the same action twice is done once; the flags are those of the last. */
function unified(actions: readonly Action[]): readonly Action[] {
  const found = new Map<string, Action>()
  for (const action of actions) {
    const key =
      action.kind === "store"
        ? `store ${action.folder ?? "INBOX"}`
        : action.kind === "redirect"
          ? `redirect ${action.address.toLowerCase()}`
          : `${action.kind}`
    const before = found.get(key)
    if (before?.kind === "store" && action.kind === "store")
      found.set(key, { ...before, flags: [...new Set([...before.flags, ...action.flags])] })
    else if (before === undefined) found.set(key, action)
  }
  return [...found.values()]
}

function* block(run: Run, calls: readonly Call[]): SieveSteps<void> {
  let taken = false
  for (const call of calls) {
    switch (call.name) {
      case "if":
        taken = yield* branch(run, call)
        break
      case "elsif":
        if (!taken) taken = yield* branch(run, call)
        break
      case "else":
        if (!taken) yield* block(run, call.block)
        break
      default:
        yield* command(run, call)
    }
  }
}

function* branch(run: Run, call: Call): SieveSteps<boolean> {
  const [test] = call.tests
  const matches = test !== undefined && (yield* evaluate(run, test))
  if (run.world.tellAll) run.tell(call, call.name, matches)
  if (matches) yield* block(run, call.block)
  return matches
}

function* command(run: Run, call: Call): SieveSteps<void> {
  const { tags, arguments: args } = call
  switch (call.name) {
    case "stop":
      throw new Stopped()
    case "return":
      throw new Returned()
    case "keep":
    case "fileinto":
      return store(run, call)
    case "discard":
      run.keeps = false
      run.tell(call, "discard")
      return run.add({ kind: "discard", at: run.origin(call) })
    case "redirect":
      return redirect(run, call)
    case "reject":
    case "ereject":
      return reject(run, call)
    case "vacation":
      return vacation(run, call)
    case "set":
      return run.setVariable(String(args[0]), changed(run.text(args[1]), tags))
    case "setflag":
    case "addflag":
    case "removeflag":
      return flag(run, call)
    case "addheader":
      return addHeader(run, call)
    case "deleteheader":
      return deleteHeader(run, call)
    case "include":
      return yield* include(run, call)
    case "global":
      for (const name of run.list(args[0])) run.globalNames.add(name.toLowerCase())
  }
}

function store(run: Run, call: Call): void {
  const { tags, arguments: args } = call
  const folder = call.name === "keep" ? undefined : run.text(args[0])
  if (folder !== undefined && !isFolder(folder))
    throw new SieveFailure(`"${folder}" cannot be a mailbox's name`)
  const flags = tags.has("flags") ? flagsOf(run.list(tags.get("flags"))) : run.flags
  if (!tags.has("copy")) run.keeps = false
  run.tell(call, folder === undefined ? "keep" : `fileinto "${folder}"`)
  const name = folder?.toUpperCase() === "INBOX" ? undefined : folder
  run.add({ kind: "store", folder: name, flags, create: tags.has("create"), at: run.origin(call) })
}

function isFolder(name: string): boolean {
  return (
    name !== "" && name.length <= 255 && !/[\x00-\x1f\x7f]/.test(name) && !/(?:^|\/)\.\.?(?:\/|$)/.test(name)
  )
}

function redirect(run: Run, call: Call): void {
  const text = run.text(call.arguments[0])
  const address = sieveAddress(text)
  if (address === undefined) throw new SieveFailure(`"${text}" is no address to redirect to`)
  const before = run.actions.filter(({ kind }) => kind === "redirect").length
  if (before >= most.redirects) throw new SieveFailure(`more than ${most.redirects} redirects`)
  if (!call.tags.has("copy")) run.keeps = false
  run.tell(call, `redirect to ${address}`)
  run.add({ kind: "redirect", address, at: run.origin(call) })
}

function reject(run: Run, call: Call): void {
  if (run.actions.some(({ kind }) => kind !== "discard"))
    throw new SieveFailure(`${call.name} after another action (RFC 5429 §2.5)`)
  run.keeps = false
  run.tell(call, call.name)
  run.add({ kind: "reject", reason: run.text(call.arguments[0]), at: run.origin(call) })
}

const day = 86_400

function vacation(run: Run, call: Call): void {
  const { tags, arguments: args } = call
  if (run.actions.some(({ kind }) => kind === "vacation"))
    throw new SieveFailure("vacation twice (RFC 5230 §4.7)")
  const days = Number(tags.get("days") ?? 7)
  const seconds = tags.has("seconds") ? Number(tags.get("seconds")) : Math.min(Math.max(days, 1), 365) * day
  const text = (tag: string) => (tags.has(tag) ? run.text(tags.get(tag)) : undefined)
  const reason = run.text(args[0])
  const subject = text("subject")
  const from = text("from")
  run.tell(call, "vacation")
  run.add({
    kind: "vacation",
    at: run.origin(call),
    vacation: {
      reason,
      seconds,
      subject,
      from,
      addresses: run.list(tags.get("addresses")),
      mime: tags.has("mime"),
      handle: text("handle") ?? `${reason}\n${subject ?? ""}\n${from ?? ""}`,
    },
  })
}

function flag(run: Run, call: Call): void {
  const { arguments: args, name } = call
  const variable = args.length > 1 ? String(args[0]) : undefined
  const given = flagsOf(run.list(args.at(-1)))
  const before = variable === undefined ? run.flags : flagsOf([run.variable(variable) ?? ""])
  const lower = new Set(given.map((one) => one.toLowerCase()))
  const after =
    name === "setflag"
      ? given
      : name === "addflag"
        ? flagsOf([...before, ...given])
        : before.filter((one) => !lower.has(one.toLowerCase()))
  if (variable === undefined) run.flags = after
  else run.setVariable(variable, after.join(" "))
}

/** Fields that say whose mail it was and what was done with it are not a script's to change (RFC 5293 §8). */
const fixed = new Set(["received", "auto-submitted"])

function addHeader(run: Run, call: Call): void {
  const name = run.text(call.arguments[0])
  if (!isFieldName(name)) throw new SieveFailure(`"${name}" is no field's name`)
  if (fixed.has(name.toLowerCase())) return
  run.world.message.add(name, run.text(call.arguments[1]), call.tags.has("last"))
  run.tell(call, `addheader ${name}`)
}

function deleteHeader(run: Run, call: Call): void {
  const { tags, arguments: args } = call
  const name = run.text(args[0])
  if (fixed.has(name.toLowerCase())) return
  const keys = args.length > 1 ? run.list(args[1]) : undefined
  const comparison = comparisonOf(call)
  const index = tags.has("index") ? Number(tags.get("index")) : undefined
  run.world.message.delete(name, index, tags.has("last"), (value) =>
    keys === undefined ? true : compare(comparison, [value], keys).matches,
  )
  run.tell(call, `deleteheader ${name}`)
}

function* include(run: Run, call: Call): SieveSteps<void> {
  const { tags } = call
  const name = run.text(call.arguments[0])
  const where = tags.has("global") ? "global" : "personal"
  const key = `${where} ${name}`
  if (tags.has("once") && run.included.has(key)) return
  if (++run.includes > most.includes || run.depth >= most.depth)
    throw new SieveFailure(`${name}: scripts include each other too often`)
  const answer = yield { ask: "script", name, where }
  if (answer.answer !== "script") {
    const why = answer.answer === "nothing" ? answer.why : answer.answer
    if (tags.has("optional") && why === "no such script") return
    throw new SieveFailure(`the script "${name}" cannot be included: ${why}`)
  }
  run.included.add(key)
  const { script, variables, globalNames } = run
  run.script = answer.script
  run.variables = new Map()
  run.globalNames = new Set()
  run.depth++
  try {
    yield* block(run, answer.script.calls)
  } catch (error) {
    if (!(error instanceof Returned)) throw error
  } finally {
    run.script = script
    run.variables = variables
    run.globalNames = globalNames
    run.depth--
  }
}
