// mailstats: how much mail came and went, by mailer, in sendmail's table.
import { printCtime } from "../message/date.ts"
import type { Count, Counted } from "../daemon/statistics.ts"
import { type Answer, askOnce } from "./control-client.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningState } from "./state.ts"

const usage = `Usage: mailstats [-c] [-o] [-p|-P] [-z] [--state DIR]
How much mail came and went since counting began, by mailer.

  -o           without the column of mailers' names
  -p, -P       for programs: numbers without a heading; -p (and -c) begin the count anew
  --state DIR  the state directory (else $WAYPOST_STATE, ./var of the checkout, /var/lib/waypost)
`

type Wish = { names: boolean; forPrograms: boolean; clear: boolean; state: string | undefined }

export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes("--help")) {
    io.stdout.write(usage)
    return exits.ok
  }
  const wish = readWish(argv)
  if (typeof wish === "string") return refuse(io, `mailstats: ${wish}; see mailstats --help`, exits.usage)
  const state = runningState(wish.state, io)
  const counted = countedOf(await askOnce(state, { verb: "statistics" }))
  io.stdout.write(wish.forPrograms ? plain(counted, Date.now()) : table(counted, wish.names))
  if (wish.clear) await askOnce(state, { verb: "forget statistics" })
  return exits.ok
}

function readWish(argv: readonly string[]): Wish | string {
  const wish: Wish = { names: true, forPrograms: false, clear: false, state: undefined }
  for (let n = 0; n < argv.length; n++) {
    const word = argv[n] ?? ""
    if (word === "-o") wish.names = false
    else if (word === "-P") wish.forPrograms = true
    else if (word === "-p") {
      wish.forPrograms = true
      wish.clear = true
    } else if (word === "-c") wish.clear = true
    else if (word === "--state") wish.state = argv[++n] ?? ""
    else if (word.startsWith("--state=")) wish.state = word.slice("--state=".length)
    else if (!/^-[Cf]/.test(word)) return `unknown option or argument ${word}`
    else if (word.length === 2) n++ // -C FILE and -f FILE name sendmail's own files; ours is the running system's
  }
  return wish.state === "" ? "--state needs DIR" : wish
}

/** Our own daemon of our own version answers: a look at the shape is enough. */
function countedOf(answer: Answer): Counted {
  const { since, mailers } = answer
  if (typeof since !== "number" || typeof mailers !== "object" || mailers === null)
    throw new Error(`not a statistic: ${JSON.stringify(answer).slice(0, 200)}`)
  return { since, mailers: mailers as Counted["mailers"] }
}

const none: Count = { from: 0, octetsFrom: 0, to: 0, octetsTo: 0, rejected: 0, discarded: 0, quarantined: 0 }

function sum(counts: readonly Count[]): Count {
  return counts.reduce(
    (all, one) => ({
      from: all.from + one.from,
      octetsFrom: all.octetsFrom + one.octetsFrom,
      to: all.to + one.to,
      octetsTo: all.octetsTo + one.octetsTo,
      rejected: all.rejected + one.rejected,
      discarded: all.discarded + one.discarded,
      quarantined: all.quarantined + one.quarantined,
    }),
    none,
  )
}

function table({ since, mailers }: Counted, names: boolean): string {
  const rows = Object.entries(mailers).map(
    ([name, count], n) => `${row(String(n), count)}${names ? `  ${name}` : ""}\n`,
  )
  const all = sum(Object.values(mailers))
  const title = ` M${["msgsfr", "bytes_from", "msgsto", "bytes_to", "msgsrej", "msgsdis", "msgsqur"]
    .map((word, n) => word.padStart(widths[n] ?? 0))
    .join("")}${names ? "  Mailer" : ""}`
  const line = "=".repeat(names ? title.length + 1 : title.length)
  return `Statistics from ${printCtime(since)}\n${title}\n${rows.join("")}${line}\n${row("T", all)}\n`
}

const widths = [9, 12, 9, 12, 9, 9, 9]

function row(
  mark: string,
  { from, octetsFrom, to, octetsTo, rejected, discarded, quarantined }: Count,
): string {
  const kib = (octets: number) => `${Math.ceil(octets / 1024)}K`
  const counts = [from, kib(octetsFrom), to, kib(octetsTo), rejected, discarded, quarantined]
  return mark.padStart(2) + counts.map((cell, n) => String(cell).padStart(widths[n] ?? 0)).join("")
}

/** -p: two times, then mailer, messages and KiB in, messages and KiB out, refused, thrown away; T with what all come to. */
function plain({ since, mailers }: Counted, now: number): string {
  const lines = Object.entries(mailers).map(([name, count], n) => `${cells(String(n), count)} ${name}`)
  const times = `${Math.floor(since / 1000)} ${Math.floor(now / 1000)}`
  return `${[times, ...lines, cells("T", sum(Object.values(mailers)))].join("\n")}\n`
}

function cells(mark: string, { from, octetsFrom, to, octetsTo, rejected, discarded }: Count): string {
  const kib = (octets: number) => Math.ceil(octets / 1024)
  return [mark, from, kib(octetsFrom), to, kib(octetsTo), rejected, discarded].join(" ")
}
