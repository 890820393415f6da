// Mail in, out and refused over the last hour, drawn by uPlot; the same in words for those who do not see the drawing.
import { useEffect, useRef } from "preact/hooks"
import uPlot from "uplot"
import type { Now } from "../api.ts"
import { Empty } from "./parts.tsx"
import { many } from "./words.ts"

type Minutes = Now["minutes"]

const height = 190

/** The drawing of the last hour. */
export function Traffic({ minutes }: { minutes: Minutes }) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const newest = useRef(minutes)
  newest.current = minutes
  const drawable = minutes.length > 1
  useEffect(
    () => (drawable && box.current !== null ? keepDrawn(box.current, plot, newest) : undefined),
    [drawable],
  )
  useEffect(() => plot.current?.setData(columns(minutes)), [minutes])
  if (!drawable) return <Empty says="The first minutes are being counted: a line appears here after two." />
  const sum = (of: "in" | "out" | "refused"): number => minutes.reduce((all, minute) => all + minute[of], 0)
  const words = `In ${many(minutes.length, "minute")}: ${sum("in")} in, ${sum("out")} out, ${sum("refused")} refused.`
  return (
    <>
      <div ref={box} class="plot" role="img" aria-label={words} />
      <p class="legend">
        <span class="key in">in {sum("in")}</span>
        <span class="key out">out {sum("out")}</span>
        <span class="key refused">refused {sum("refused")}</span>
      </p>
    </>
  )
}

/** Draws, and draws anew when the width or the scheme of colours changes; the result ends it. */
function keepDrawn(
  box: HTMLDivElement,
  plot: { current: uPlot | undefined },
  newest: { readonly current: Minutes },
): () => void {
  const draw = (): void => {
    plot.current?.destroy()
    plot.current = new uPlot(optionsFor(box), columns(newest.current), box)
  }
  draw()
  const scheme = matchMedia("(prefers-color-scheme: dark)")
  scheme.addEventListener("change", draw)
  const watch = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height }))
  watch.observe(box)
  return () => {
    scheme.removeEventListener("change", draw)
    watch.disconnect()
    plot.current?.destroy()
    plot.current = undefined
  }
}

function columns(minutes: Minutes): uPlot.AlignedData {
  return [
    minutes.map(({ at }) => at / 1000),
    minutes.map((minute) => minute.in),
    minutes.map((minute) => minute.out),
    minutes.map((minute) => minute.refused),
  ]
}

function hourAndMinute(seconds: number): string {
  return new Date(seconds * 1000).toTimeString().slice(0, 5)
}

function optionsFor(box: HTMLElement): uPlot.Options {
  const style = getComputedStyle(box)
  const colour = (name: string): string => style.getPropertyValue(name).trim()
  const axis = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  }
  const series = (name: string, dash?: number[]): uPlot.Series => ({
    stroke: colour(name),
    width: 1.75,
    points: { show: false },
    ...(dash === undefined ? {} : { dash }),
  })
  return {
    width: box.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: (_, min, max) => [Math.min(min, max - 600), max] },
      y: { range: (_, __, max) => [0, Math.max(4, max)] },
    },
    axes: [
      { ...axis, values: (_, times) => times.map(hourAndMinute) },
      { ...axis, size: 44 },
    ],
    series: [{}, series("--in"), series("--out", [7, 3]), series("--refused", [2, 3])],
  }
}
