// The queue as a picture: a row for each destination, a column for each age, darker where more waits. The numbers stand in the
// cells, so nothing is told by colour alone.
import type { Destination } from "../api.ts"
import { Empty } from "./parts.tsx"
import { hrefOf } from "./place.ts"
import { count, minutesWord } from "./words.ts"

const mostRows = 14

/** Destinations by ages. */
export function QueuePicture({
  ages,
  destinations,
  counting,
}: {
  ages: readonly number[]
  destinations: readonly Destination[]
  /** They are those of the count before, or none yet. */
  counting: boolean
}) {
  if (destinations.length === 0 && counting) return <Empty says="What waits is being counted …" />
  if (destinations.length === 0)
    return <Empty says="Nothing waits. All mail that came is where it belongs." />
  const most = Math.max(1, ...destinations.flatMap(({ counts }) => counts))
  const columns = [...ages.map((age) => `≤ ${minutesWord(age)}`), "older"]
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Queue by destination and age">
      <table class="heat">
        <thead>
          <tr>
            <th scope="col">Destination</th>
            {columns.map((column) => (
              <th key={column} scope="col" class="number">
                {column}
              </th>
            ))}
            <th scope="col" class="number">
              All
            </th>
          </tr>
        </thead>
        <tbody>
          {destinations.slice(0, mostRows).map(({ destination, counts, total }) => (
            <tr key={destination}>
              <th scope="row">
                <a href={hrefOf("queue", "", { destination })}>{destination}</a>
              </th>
              {columns.map((column, n) => (
                <Cell key={column} n={counts[n] ?? 0} most={most} />
              ))}
              <td class="number total">{count(total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {destinations.length > mostRows ? (
        <p class="note">and {destinations.length - mostRows} more destinations</p>
      ) : undefined}
    </div>
  )
}

function Cell({ n, most }: { n: number; most: number }) {
  // By the logarithm: one message and a hundred thousand must both be seen.
  const level = n === 0 ? 0 : 1 + Math.round((4 * Math.log(n)) / Math.max(1, Math.log(most)))
  return <td class={`number heat-${level}`}>{n === 0 ? <span class="none">·</span> : count(n)}</td>
}
