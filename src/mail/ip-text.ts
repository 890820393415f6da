// Whether a text is an IP address, as node:net's isIPv4 and isIPv6 would say (but for zones, which no mail address has). Loading
// node:net takes longer than all else that the sendmail command does.

/** Four numbers up to 255 without leading zeros (RFC 5321 §4.1.3). */
export function isIPv4Text(text: string): boolean {
  const numbers = text.split(".", 5)
  return (
    numbers.length === 4 &&
    numbers.every((number) => /^(?:0|[1-9]\d{0,2})$/.test(number) && Number(number) < 256)
  )
}

/** Eight groups of hexadecimal digits, of which `::` may stand for one or more that are zero; the last two may be as in IPv4 (RFC 4291 §2.2). */
export function isIPv6Text(text: string): boolean {
  if (text.length > 45) return false
  const halves = text.split("::", 3)
  if (halves.length > 2) return false
  const [before = "", after] = halves
  const left = groupsIn(before, after === undefined)
  const right = after === undefined ? 0 : groupsIn(after, true)
  if (left === undefined || right === undefined) return false
  return after === undefined ? left === 8 : left + right < 8
}

/** How many groups of 16 bits these are; undefined: not all of them are one. Only at its end has an address room for IPv4's form. */
function groupsIn(text: string, atEnd: boolean): number | undefined {
  if (text === "") return 0
  const groups = text.split(":", 9)
  const last = groups.at(-1) ?? ""
  const dotted = atEnd && last.includes(".")
  if (dotted && !isIPv4Text(last)) return undefined
  const plain = dotted ? groups.slice(0, -1) : groups
  if (!plain.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined
  return plain.length + (dotted ? 2 : 0)
}
