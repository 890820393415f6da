import assert from "node:assert/strict"
import { test } from "node:test"
import { Counter, gauge, Histogram, printMetrics } from "./metrics.ts"

test("a counter without labels begins at zero, so that its first step is seen", () => {
  const counter = new Counter("waypost_x_total", "X.")
  assert.deepEqual(counter.lines(), [
    "# HELP waypost_x_total X.",
    "# TYPE waypost_x_total counter",
    "waypost_x_total 0",
  ])
  counter.add(2)
  assert.equal(counter.lines().at(-1), "waypost_x_total 2")
})

test("labels are kept apart, and what a peer wrote in one cannot end it", () => {
  const counter = new Counter("x_total", "Y\nZ", ["question", "reason"])
  counter.add(1, "check_mail", 'a"b\\c\nd')
  counter.add(1, "check_mail", "access")
  counter.add(1, "check_mail", "access")
  assert.deepEqual(counter.lines(), [
    "# HELP x_total Y\\nZ",
    "# TYPE x_total counter",
    'x_total{question="check_mail",reason="a\\"b\\\\c\\nd"} 1',
    'x_total{question="check_mail",reason="access"} 2',
  ])
})

test("labels that have no end fill no memory: the later ones are `other`, and the sum stays right", () => {
  const counter = new Counter("x_total", "X.", ["name"])
  for (let n = 0; n < 2000; n++) counter.add(1, `name${n}`)
  const lines = counter.lines().slice(2)
  assert.equal(lines.length, 501)
  assert.equal(lines.at(-1), 'x_total{name="other"} 1500')
  counter.add(1, "name7")
  assert.ok(counter.lines().includes('x_total{name="name7"} 2'))
})

test("a histogram's buckets hold all that is no larger, and +Inf everything", () => {
  const histogram = new Histogram("d_seconds", "D.", { bounds: [0.1, 1], labels: ["mailer"] })
  for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value, "local")
  assert.deepEqual(histogram.lines().slice(2), [
    'd_seconds_bucket{mailer="local",le="0.1"} 2',
    'd_seconds_bucket{mailer="local",le="1"} 3',
    'd_seconds_bucket{mailer="local",le="+Inf"} 4',
    'd_seconds_sum{mailer="local"} 7.65',
    'd_seconds_count{mailer="local"} 4',
  ])
})

test("a page is all metrics, each line ended", () => {
  const page = printMetrics([
    gauge("a", "A.", [{ labels: { state: "held" }, value: 1 }, { value: 2 }]),
    new Counter("b_total", "B."),
  ])
  assert.equal(
    page,
    '# HELP a A.\n# TYPE a gauge\na{state="held"} 1\na 2\n# HELP b_total B.\n# TYPE b_total counter\nb_total 0\n',
  )
})
