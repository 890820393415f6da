// Conversations: who answers whom, by References and In-Reply-To (RFC 5256 §2 without the guessing by subject, which joins
// strangers' "Hello"s). Messages that are missing still hold their answers together.
import type { Listed } from "./summary.ts"

/** A line of a threaded list. */
export type Threaded = {
  readonly listed: Listed
  readonly depth: number
  /** The thread's first message that is here; all of a thread have the same. */
  readonly root: string
  /** How many messages the thread has, at its first line; 0 at the others. */
  readonly count: number
  /** The tree's lines before the subject: `├─`, `└─`, `│ `. */
  readonly branch: string
}

type Node = {
  readonly id: string
  listed: Listed[]
  parent: Node | undefined
  children: Node[]
}

/** Threads in the order of their newest message, each as a tree by time received. Linear but for the sorting. */
export function thread(messages: readonly Listed[]): Threaded[] {
  const nodes = new Map<string, Node>()
  for (const [i, listed] of messages.entries()) place(nodes, listed, i)
  const roots = [...nodes.values()].filter(({ parent }) => parent === undefined)
  const threads = roots.flatMap((root) => {
    const lines = flatten(root)
    return lines.length === 0 ? [] : [lines]
  })
  const newest = (lines: readonly Threaded[]) =>
    lines.reduce((max, { listed }) => Math.max(max, listed.received), 0)
  return threads
    .map((lines) => ({ lines, at: newest(lines) }))
    .toSorted((a, b) => a.at - b.at)
    .flatMap(({ lines }) => lines)
}

function place(nodes: Map<string, Node>, listed: Listed, serial: number): void {
  const { messageId, parents } = listed.summary
  const node = nodeOf(nodes, messageId === "" ? `nameless ${serial}` : messageId)
  node.listed.push(listed)
  let child = node
  for (const id of parents.toReversed()) {
    if (child.parent !== undefined) break
    const parent = nodeOf(nodes, id)
    if (child.children.length > 0 && reaches(parent, child)) break // a loop of references, made by accident or malice
    child.parent = parent
    parent.children.push(child)
    child = parent
  }
}

function nodeOf(nodes: Map<string, Node>, id: string): Node {
  const found = nodes.get(id)
  if (found !== undefined) return found
  const made: Node = { id, listed: [], parent: undefined, children: [] }
  nodes.set(id, made)
  return made
}

function reaches(from: Node, to: Node): boolean {
  for (let at: Node | undefined = from; at !== undefined; at = at.parent) if (at === to) return true
  return false
}

/** A thread's lines. By a stack of its own: a thread may be deeper than the program's. */
function flatten(root: Node): Threaded[] {
  const lines: Threaded[] = []
  let first: string | undefined
  const stack: { node: Node; depth: number; lead: string; branch: string }[] = [
    { node: root, depth: 0, lead: "", branch: "" },
  ]
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, depth, lead, branch } = top
    for (const listed of node.listed) {
      first ??= listed.key
      lines.push({ listed, depth, branch, root: first, count: 0 })
    }
    const here = node.listed.length > 0
    const children = node.children.toSorted((a, b) => timeOf(a) - timeOf(b))
    for (const [i, child] of children.toReversed().entries()) {
      const last = i === 0
      const shown = here || depth > 0
      stack.push({
        node: child,
        depth: shown ? depth + 1 : 0,
        lead: shown && depth < deepest ? `${lead}${last ? "  " : "│ "}` : lead,
        branch: shown ? `${lead}${last ? "└─" : "├─"}` : "",
      })
    }
  }
  const [top] = lines
  if (top !== undefined) lines[0] = { ...top, count: lines.length }
  return lines
}

/** Deeper answers are drawn no further to the right: the subject must still find room. */
const deepest = 12

function timeOf(node: Node): number {
  return node.listed[0]?.received ?? node.children[0]?.listed[0]?.received ?? 0
}
