// Prometheus's text format, read back: what the mail system counts of itself, for the console's first page.

export type Sample = {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The samples of a page of metrics; comments and what is no sample are left out. */
export function readSamples(text: string): readonly Sample[] {
  return text.split("\n").flatMap((line) => {
    const space = line.lastIndexOf(" ")
    const brace = line.indexOf("{")
    if (line.startsWith("#") || space < 1) return []
    const name = line.slice(0, brace < 0 ? space : brace)
    const labels = brace < 0 ? {} : readLabels(line.slice(brace + 1, space))
    const value = Number(line.slice(space + 1))
    return Number.isFinite(value) ? [{ name, labels, value }] : []
  })
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [, name = "", value = ""] of text.matchAll(/([A-Za-z_]+)="((?:[^"\\]|\\.)*)"/g))
    labels[name] = value.replaceAll(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter))
  return labels
}

/** The sum of those that have this name and these labels. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>>,
): number {
  return samples
    .filter((one) => one.name === name)
    .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0)
}
