// What aliases, lists and .forward files make of an address, as a tree; a loop is drawn as one: an arrow from where it leads back to
// the place it came from.
import { useLayoutEffect, useRef, useState } from "preact/hooks"
import type { ExplainTree } from "../api-explain.ts"
import { Badge, type Tone } from "./parts.tsx"

const fates: Readonly<Record<ExplainTree["fate"], { readonly tone: Tone; readonly word: string }>> = {
  expanded: { tone: "plain", word: "stands for" },
  delivered: { tone: "ok", word: "delivered" },
  refused: { tone: "bad", word: "refused" },
  later: { tone: "warning", word: "later" },
  loop: { tone: "bad", word: "↻ loop" },
  again: { tone: "unknown", word: "once is enough" },
}

/** The whole tree. */
export function AliasTree({ tree }: { tree: ExplainTree }) {
  const box = useRef<HTMLDivElement>(null)
  const loops = useLoops(box, tree)
  return (
    <div class={loopsIn(tree) ? "tree has-loops" : "tree"} ref={box}>
      <ul aria-label="Aliases and .forward files">
        <Node tree={tree} path="0" />
      </ul>
      {loops.length === 0 ? undefined : <Arrows paths={loops} />}
    </div>
  )
}

function loopsIn({ fate, under }: ExplainTree): boolean {
  return fate === "loop" || under.some(loopsIn)
}

/** Whether something below leads back to here: `levels` are those between. */
function isTurn({ under }: ExplainTree, levels = 1): boolean {
  return under.some((one) => (one.fate === "loop" && one.up === levels) || isTurn(one, levels + 1))
}

function Node({ tree, path }: { tree: ExplainTree; path: string }) {
  const { address, says, at, fate, up, under } = tree
  const { tone, word } = fates[fate]
  const turn = isTurn(tree)
  return (
    <li class={fate === "loop" ? "loop" : turn ? "turn" : ""}>
      <span class="node" data-path={path} {...(up === undefined ? {} : { "data-up": up })}>
        <span class="address">{address}</span> <Badge tone={tone}>{word}</Badge>
        <span class="says">{says}</span>
        {at === undefined ? undefined : <code class="place">{at}</code>}
      </span>
      {under.length === 0 ? undefined : (
        <ul>
          {under.map((one, n) => (
            <Node key={n} tree={one} path={`${path}.${n}`} />
          ))}
        </ul>
      )}
    </li>
  )
}

function Arrows({ paths }: { paths: readonly string[] }) {
  return (
    <svg class="loops" aria-hidden="true">
      <defs>
        <marker
          id="loop-head"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8z" />
        </marker>
      </defs>
      {paths.map((path) => (
        <path key={path} class="loop-line" d={path} marker-end="url(#loop-head)" />
      ))}
    </svg>
  )
}

/** Where the arrows run: measured when the tree is there, and again when its width changes. */
function useLoops(box: { readonly current: HTMLDivElement | null }, tree: ExplainTree): readonly string[] {
  const [paths, setPaths] = useState<readonly string[]>([])
  useLayoutEffect(() => {
    const { current } = box
    if (current === null || !loopsIn(tree)) return setPaths([])
    const watch = new ResizeObserver(() => setPaths(arrowsIn(current)))
    watch.observe(current)
    return () => watch.disconnect()
  }, [tree])
  return paths
}

function arrowsIn(box: HTMLElement): readonly string[] {
  const { left, top, width } = box.getBoundingClientRect()
  return [...box.querySelectorAll<HTMLElement>("[data-up]")].flatMap((from, n) => {
    const path = (from.dataset["path"] ?? "").split(".")
    const to = box.querySelector(`[data-path="${path.slice(0, -Number(from.dataset["up"])).join(".")}"]`)
    if (to === null) return []
    const [a, b] = [from.getBoundingClientRect(), to.getBoundingClientRect()]
    const [ax, ay] = [a.right - left + 4, a.top + a.height / 2 - top]
    const [bx, by] = [b.right - left + 6, b.top + b.height / 2 - top]
    const x = Math.min(width - 4 - 6 * (n % 4), Math.max(ax, bx) + 26 + 6 * (n % 4))
    return [`M${ax} ${ay}H${x - 6}q6 0 6 -6V${by + 6}q0 -6 -6 -6H${bx}`]
  })
}
