// Loaded before each test file that has a process of its own: what Node makes of a source (its types taken out, compiled) is kept for
// the next file, which loads most of the same. It takes half a second of CPU from each of hundreds.
import { enableCompileCache } from "node:module"
import { join } from "node:path"

enableCompileCache(join(import.meta.dirname, "../../.cache/compiled"))
