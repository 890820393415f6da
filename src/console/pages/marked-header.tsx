// The raw header, each octet as it came, with what the findings point at marked and numbered.
import type { ForensicFinding } from "../api-forensics.ts"

/** A part of the header, and the findings that point at it. */
export type Piece = { readonly text: string; readonly numbers: readonly number[] }

/** Cuts a header where the evidence of findings begins and ends. Spans may overlap. */
export function piecesOf(
  header: string,
  findings: readonly Pick<ForensicFinding, "evidence">[],
): readonly Piece[] {
  const spans = findings.flatMap(({ evidence }, n) => evidence.map((one) => ({ ...one, number: n + 1 })))
  const within = (at: number): number => Math.max(0, Math.min(header.length, at))
  const cuts = [
    ...new Set([0, header.length, ...spans.flatMap(({ start, end }) => [within(start), within(end)])]),
  ]
  cuts.sort((a, b) => a - b)
  return cuts.slice(0, -1).map((start, n) => ({
    text: header.slice(start, cuts[n + 1]),
    numbers: [
      ...new Set(spans.filter((span) => span.start <= start && span.end > start).map(({ number }) => number)),
    ],
  }))
}

/** The header with its marks. */
export function MarkedHeader({ header, findings }: { header: string; findings: readonly ForensicFinding[] }) {
  return (
    <pre class="marked" tabIndex={0} role="region" aria-label="Marked header">
      {piecesOf(header, findings).map(({ text, numbers }, n) =>
        numbers.length === 0 ? (
          <span key={n}>{text}</span>
        ) : (
          <span key={n}>
            <mark title={`finding ${numbers.join(", ")}`}>
              {text.trimEnd()}
              <sup>{numbers.join(",")}</sup>
            </mark>
            {text.slice(text.trimEnd().length)}
          </span>
        ),
      )}
    </pre>
  )
}
