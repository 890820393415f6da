// The flags of a map as sendmail writes them: `-o -T<TMPF> -a. -k0 -z:`. A flag's value follows it without a blank.

export type MapFlags = {
  /** -o: the file may be missing. */
  readonly optional: boolean
  /** -f: keys keep their case. */
  readonly keepCase: boolean
  /** -m: an entry says only that the key is there; its value is the key. */
  readonly matchOnly: boolean
  /** -N: keys end with a NUL octet in the file. */
  readonly nullKeys: boolean
  /** -a: put behind each value. */
  readonly append: string
  /** -k, -v, -z of class text. */
  readonly keyColumn: number
  readonly valueColumn: number
  readonly separator: string | undefined
}

/** Reads the flags of a TableSpec. Flags that only rules could use say nothing here. */
export function readMapFlags(flags: string): MapFlags {
  const words = flags.split(/\s+/).filter((word) => word.startsWith("-"))
  const valueOf = (letter: string) => words.findLast((word) => word[1] === letter)?.slice(2)
  const separator = valueOf("z")
  return {
    optional: valueOf("o") !== undefined,
    keepCase: valueOf("f") !== undefined,
    matchOnly: valueOf("m") !== undefined,
    nullKeys: valueOf("N") !== undefined,
    append: valueOf("a") ?? "",
    keyColumn: column(valueOf("k"), 0),
    valueColumn: column(valueOf("v"), 1),
    separator: separator === "\\t" ? "\t" : separator === "" ? undefined : separator,
  }
}

function column(text: string | undefined, byDefault: number): number {
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : byDefault
}
