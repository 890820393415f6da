// When versions of mail software came out, by year: a hop cannot be older than what wrote it.
import type { MakerName } from "../message/received-maker.ts"

const releases: Partial<Record<MakerName, readonly (readonly [version: string, year: number])[]>> = {
  sendmail: [
    ["8.6", 1993], ["8.7", 1995], ["8.8", 1996], ["8.9", 1998], ["8.10", 2000], ["8.11", 2000], ["8.12", 2001], ["8.13", 2004],
    ["8.14", 2007], ["8.15", 2014], ["8.16", 2020], ["8.17", 2021], ["8.18", 2024],
  ],
  Exim: [
    ["1", 1996], ["2", 1998], ["3", 1999], ["4.0", 2002], ["4.3", 2004], ["4.5", 2005], ["4.6", 2005], ["4.70", 2009], ["4.80", 2012],
    ["4.82", 2013], ["4.84", 2014], ["4.86", 2015], ["4.87", 2016], ["4.89", 2017], ["4.90", 2017], ["4.92", 2019], ["4.94", 2020],
    ["4.95", 2021], ["4.96", 2022], ["4.97", 2023], ["4.98", 2024], ["4.99", 2025],
  ],
} // biome-ignore format: a table

/** The year in which this version came out: of the longest beginning of it that the table knows. */
export function releaseYear(maker: MakerName, version: string | undefined): number | undefined {
  const known = releases[maker]
  if (known === undefined || version === undefined) return undefined
  let best: readonly [string, number] | undefined
  for (const entry of known) {
    if (!isVersionOf(version, entry[0])) continue
    if (best === undefined || entry[0].length > best[0].length) best = entry
  }
  return best?.[1]
}

function isVersionOf(version: string, prefix: string): boolean {
  if (!version.startsWith(prefix)) return false
  const next = version[prefix.length]
  return (
    next === undefined || next === "." || (prefix.length === 3 && prefix.startsWith("4.") && /\d/.test(next))
  )
}
