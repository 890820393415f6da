// Loaded before each test file that has a process of its own. node:test's reports go to its parent through a socket, and what
// does not fit into that waits in Node, where the process.exit of --test-force-exit drops it: tests that ran were not counted,
// failures not told. So writes wait for the parent instead. No documented way leads there; Node itself does this for Windows.
type Handle = { readonly setBlocking?: (blocking: boolean) => number }

for (const stream of [process.stdout, process.stderr]) {
  const { _handle } = stream as { readonly _handle?: Handle }
  _handle?.setBlocking?.(true)
}
