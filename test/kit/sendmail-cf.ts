// sendmail's own cf files, with which a sendmail.mc becomes a sendmail.cf: those of the machine, or Debian's package unpacked under
// .cache/ (nothing is installed). Tests that read compiled configurations need them.
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { whereIs } from "./debian.ts"
import { project } from "./system.ts"

const system = "/usr/share/sendmail/cf"
const cache = join(project, ".cache/sendmail-cf")

/** The folder of cf files, or why there is none. */
export function cfFolder(): { readonly folder: string } | { readonly missing: string } {
  if (whereIs("m4") === undefined) return { missing: "needs m4" }
  if (existsSync(join(system, "m4/cf.m4"))) return { folder: system }
  const folder = join(cache, system)
  if (existsSync(join(folder, "m4/cf.m4")) || unpack()) return { folder }
  return { missing: "needs Debian's sendmail-cf (unpacked under .cache by root, with apt-get)" }
}

/** Fetches the package and unpacks it; only root's apt-get may, and only there. */
function unpack(): boolean {
  if (process.getuid?.() !== 0 || whereIs("apt-get") === undefined || whereIs("dpkg-deb") === undefined)
    return false
  mkdirSync(cache, { recursive: true })
  const run = (command: string, args: readonly string[]) =>
    spawnSync(command, args, { cwd: cache, stdio: "ignore" }).status === 0
  if (!run("apt-get", ["--quiet", "--quiet", "download", "sendmail-cf"])) return false
  const archive = readdirSync(cache).find((name) => name.endsWith(".deb"))
  if (archive === undefined || !run("dpkg-deb", ["--extract", archive, "."])) return false
  const ostype = join(cache, system, "ostype/debian.m4")
  writeFileSync(ostype, readFileSync(ostype, "utf8").replaceAll(`${system}/`, `${join(cache, system)}/`))
  return true
}

/** A sendmail.mc made a sendmail.cf. */
export function compileMc(mc: string, folder: string): string {
  const text = mc.replaceAll(`${system}/`, `${folder}/`)
  const made = spawnSync("m4", [`-D_CF_DIR_=${folder}/`, "-"], { input: text, encoding: "utf8" })
  if (made.status !== 0) throw new Error(`m4: ${made.stderr}`)
  return made.stdout
}
