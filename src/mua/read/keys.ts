// What a terminal sends for a key, as a name: "j", "Enter", "Up", "Ctrl-L", "Esc". Text that is pasted comes letter by letter.

const sequences: Readonly<Record<string, string>> = {
  "[A": "Up",
  "[B": "Down",
  "[C": "Right",
  "[D": "Left",
  OA: "Up",
  OB: "Down",
  OC: "Right",
  OD: "Left",
  "[H": "Home",
  "[F": "End",
  OH: "Home",
  OF: "End",
  "[1~": "Home",
  "[4~": "End",
  "[7~": "Home",
  "[8~": "End",
  "[5~": "PageUp",
  "[6~": "PageDown",
  "[3~": "Delete",
  "[2~": "Insert",
  "[Z": "BackTab",
}

/** The keys in a chunk of input. An escape that ends the chunk is the Esc key. */
export function readKeys(chunk: string): string[] {
  const keys: string[] = []
  for (let i = 0; i < chunk.length; ) {
    if (chunk[i] === "\u001b") {
      const found = /^(?:\[[0-9;]*[A-Za-z~]|O[A-Z])/.exec(chunk.slice(i + 1, i + 12))
      const name = found === null ? undefined : sequences[found[0]]
      keys.push(...(name === undefined ? (found === null ? ["Esc"] : []) : [name]))
      i += 1 + (found?.[0].length ?? 0)
      continue
    }
    const letter = String.fromCodePoint(chunk.codePointAt(i) ?? 0)
    keys.push(nameOf(letter))
    i += letter.length
  }
  return keys
}

function nameOf(letter: string): string {
  switch (letter) {
    case "\r":
    case "\n":
      return "Enter"
    case "\t":
      return "Tab"
    case " ":
      return "Space"
    case "\u007f":
    case "\b":
      return "Backspace"
  }
  const code = letter.codePointAt(0) ?? 0
  return code < 0x20 ? `Ctrl-${String.fromCodePoint(code + 0x40)}` : letter
}

/** The letter that a key types into a field; undefined for keys that type nothing. */
export function typedBy(key: string): string | undefined {
  if (key === "Space") return " "
  return [...key].length === 1 ? key : undefined
}
