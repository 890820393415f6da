// Numbers that grow, for Prometheus: counters and histograms with labels, and their text format (version 0.0.4 of the exposition
// format). Counting is an addition in memory; text is made when somebody asks.

export type Labels = Readonly<Record<string, string>>

/** One metric as text: its # HELP and # TYPE lines, then its samples. */
export type Metric = { lines(): readonly string[] }

/** Kinds of labels that one metric keeps apart; what comes after has `other` in each label. A peer must not fill our memory. */
const mostKinds = 500

/** A number that only grows, for each set of labels. Its name ends in `_total`. */
export class Counter implements Metric {
  readonly #name: string
  readonly #help: string
  readonly #labels: readonly string[]
  readonly #counts = new Map<string, number>()

  constructor(name: string, help: string, labels: readonly string[] = []) {
    this.#name = name
    this.#help = help
    this.#labels = labels
    if (labels.length === 0) this.#counts.set("", 0)
  }

  /** Adds to it; the values stand in the order of the labels. */
  add(amount: number, ...values: readonly string[]): void {
    const key = keyOf(values, this.#counts)
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + amount)
  }

  lines(): readonly string[] {
    const samples = [...this.#counts].map(
      ([key, count]) => `${this.#name}${labelText(this.#labels, key)} ${count}`,
    )
    return [...headOf(this.#name, this.#help, "counter"), ...samples]
  }
}

/** How values are spread, for each set of labels: counts below some bounds, their sum and number. In base units. */
export class Histogram implements Metric {
  readonly #name: string
  readonly #help: string
  readonly #labels: readonly string[]
  readonly #bounds: readonly number[]
  readonly #series = new Map<string, { readonly counts: number[]; sum: number }>()

  constructor(
    name: string,
    help: string,
    shape: { readonly bounds: readonly number[]; readonly labels?: readonly string[] },
  ) {
    this.#name = name
    this.#help = help
    this.#bounds = shape.bounds
    this.#labels = shape.labels ?? []
  }

  observe(value: number, ...values: readonly string[]): void {
    const key = keyOf(values, this.#series)
    let one = this.#series.get(key)
    if (one === undefined) {
      one = { counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 }
      this.#series.set(key, one)
    }
    let n = 0
    while (n < this.#bounds.length && value > (this.#bounds[n] ?? 0)) n++
    one.counts[n] = (one.counts[n] ?? 0) + 1
    one.sum += value
  }

  lines(): readonly string[] {
    const samples = [...this.#series].flatMap(([key, { counts, sum }]) => {
      let below = 0
      const buckets = counts.map((count, n) => {
        below += count
        const le = n < this.#bounds.length ? String(this.#bounds[n]) : "+Inf"
        return `${this.#name}_bucket${labelText([...this.#labels, "le"], joined(key, le))} ${below}`
      })
      const labels = labelText(this.#labels, key)
      return [...buckets, `${this.#name}_sum${labels} ${sum}`, `${this.#name}_count${labels} ${below}`]
    })
    return [...headOf(this.#name, this.#help, "histogram"), ...samples]
  }
}

/** Numbers as they are at this moment. */
export function gauge(
  name: string,
  help: string,
  samples: readonly { readonly labels?: Labels; readonly value: number }[],
): Metric {
  return {
    lines: () => [
      ...headOf(name, help, "gauge"),
      ...samples.map(({ labels = {}, value }) => {
        const names = Object.keys(labels)
        return `${name}${labelText(names, Object.values(labels).join(separator))} ${value}`
      }),
    ],
  }
}

/** The page that Prometheus reads. */
export function printMetrics(metrics: readonly Metric[]): string {
  return metrics.map((metric) => `${metric.lines().join("\n")}\n`).join("")
}

/** Stands between the values of a key; nobody's mail has it in a name. */
const separator = "\u0000"

function joined(key: string, last: string): string {
  return key === "" ? last : `${key}${separator}${last}`
}

function keyOf(values: readonly string[], known: ReadonlyMap<string, unknown>): string {
  const key = values.length === 1 ? (values[0] ?? "") : values.join(separator)
  return known.size < mostKinds || known.has(key) ? key : values.map(() => "other").join(separator)
}

function headOf(name: string, help: string, type: string): readonly string[] {
  return [`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`, `# TYPE ${name} ${type}`]
}

function labelText(names: readonly string[], key: string): string {
  if (names.length === 0) return ""
  const values = key.split(separator)
  return `{${names.map((name, n) => `${name}="${escaped(values[n] ?? "")}"`).join(",")}}`
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
}
