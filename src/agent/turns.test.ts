import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { Turns } from "./turns.ts"

type Item = { readonly word: string; readonly alone?: true; readonly wrong?: true }

/** Turns whose acts are remembered, each as its words. */
function remembering() {
  const acts: string[] = []
  const turns = new Turns<Item, string>({
    async act(items) {
      acts.push(items.map(({ word }) => word).join(" "))
      await sleep(5)
      if (items.some(({ wrong }) => wrong === true)) throw new Error(items[0]?.word)
      return items.map(({ word }) => word.toUpperCase())
    },
    mayJoin: (item, first) => item.alone !== true && first.alone !== true,
  })
  return { acts, turns }
}

test("what comes while a turn lasts goes together in the next one; each hears of its own", async () => {
  const { acts, turns } = remembering()
  const results = await Promise.all(["a", "b", "c"].map((word) => turns.take("box", { word })))
  assert.deepEqual(results, ["A", "B", "C"])
  assert.deepEqual(acts, ["a", "b c"])
  assert.equal(await turns.take("box", { word: "d" }), "D")
})

test("who does not go with others has a turn of its own, and the order stays", async () => {
  const { acts, turns } = remembering()
  const items: readonly Item[] = [
    { word: "a" },
    { word: "b" },
    { word: "large", alone: true },
    { word: "c" },
    { word: "d" },
  ]
  await Promise.all(items.map((item) => turns.take("box", item)))
  assert.deepEqual(acts, ["a", "b", "large", "c d"])
})

test("another mailbox does not wait, nor does an error stop those behind it", async () => {
  const { acts, turns } = remembering()
  const failing = turns.take("box", { word: "first", wrong: true })
  const behind = turns.take("box", { word: "second" })
  const other = turns.take("other", { word: "there" })
  await assert.rejects(failing, /first/)
  assert.deepEqual(await Promise.all([behind, other]), ["SECOND", "THERE"])
  assert.deepEqual(acts, ["first", "there", "second"])
})
