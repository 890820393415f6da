// `waypost install`, as root: the system user, the state directory, a systemd unit and, when asked, the sendmail commands.
// Each step is written down (install-record.ts), done once, and undone by `waypost uninstall`.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join, resolve } from "node:path"
import { readArguments, type Usage } from "./arguments.ts"
import { readRecord, type Step, writeRecord } from "./install-record.ts"
import { exits, type Io, refuse } from "./io.ts"
import { findMailUser, mailUserName, makeMailUser, runAsRoot } from "./mail-user.ts"
import { checkoutOf, systemConfiguration, systemState } from "./state.ts"

const usage: Usage = {
  name: "waypost install",
  operands: "",
  mostOperands: 0,
  about: `As root: makes the user ${mailUserName}, ${systemState} and a systemd unit. Mail of other systems is not touched.`,
  options: {
    link: { says: "also put our sendmail, mailq and newaliases in the place of the machine's (kept aside)" },
    quiet: { says: "say nothing when all is well" },
    root: { value: "DIR", says: "install into the file system under DIR" },
  },
}

/** Where other programs look for them on Debian; our command of the same name stands in bin/. */
export const linked = ["usr/sbin/sendmail", "usr/lib/sendmail", "usr/bin/mailq", "usr/bin/newaliases"]

const aside = ".before-waypost"
const unitFolder = "etc/systemd/system"

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  if (process.getuid?.() !== 0)
    return refuse(io, "waypost install: only root can do that; sudo waypost install", exits.noPermission)
  const root = resolve(io.cwd, given.text("root") ?? "/")
  const work = new Installation(
    root,
    checkoutOf(io.entry),
    given.has("quiet") ? () => {} : (line) => io.stdout.write(`${line}\n`),
  )
  work.makeUser()
  work.makeState()
  const unit = work.makeUnit()
  work.makeMakefile()
  if (given.has("link")) for (const path of linked) work.link(path)
  if (unit && root === "/" && existsSync("/run/systemd/system")) runAsRoot("systemctl", ["daemon-reload"])
  work.say(
    unit
      ? "next: systemctl enable --now waypost"
      : `next: ${join(checkoutOf(io.entry), "bin/waypost")} start`,
  )
  return exits.ok
}

/** The steps, each of which does nothing when its work is done already. */
class Installation {
  readonly say: (line: string) => void
  readonly #root: string
  readonly #checkout: string
  #steps: readonly Step[]

  constructor(root: string, checkout: string, say: (line: string) => void) {
    this.#root = root
    this.#checkout = checkout
    this.#steps = readRecord(root)
    this.say = say
  }

  makeUser(): void {
    if (findMailUser(this.#root) !== undefined) return this.say(`user ${mailUserName}: there already`)
    const { uid } = makeMailUser(this.#root)
    this.#done({ made: "user", name: mailUserName }, `user ${mailUserName}: made (uid ${uid})`)
  }

  makeState(): void {
    const path = join(this.#root, systemState)
    if (existsSync(path)) return this.say(`${path}: there already`)
    mkdirSync(path, { recursive: true })
    this.#done({ made: "directory", path }, `${path}: made`)
    chmodSync(path, 0o755) // users' commands reach the sockets below; what is private in it is closed to them
  }

  /** Whether this machine has systemd, and so a unit now. */
  makeUnit(): boolean {
    const folder = join(this.#root, unitFolder)
    if (!existsSync(folder)) {
      this.say("no systemd here: no unit")
      return false
    }
    const path = join(folder, "waypost.service")
    const text = readFileSync(join(this.#checkout, "packaging/waypost.service"), "utf8")
      .replaceAll("@WAYPOST@", join(this.#checkout, "bin/waypost"))
      .replaceAll("@CHECKOUT@", this.#checkout)
    if (existsSync(path) && readFileSync(path, "utf8") === text) this.say(`${path}: there already`)
    else this.#write(path, text)
    return true
  }

  /** `make` in the configuration directory does what it did with sendmail. */
  makeMakefile(): void {
    const folder = join(this.#root, dirname(systemConfiguration))
    if (!existsSync(folder)) return
    const text = readFileSync(join(this.#checkout, "packaging/Makefile"), "utf8")
    this.#write(join(folder, "Makefile"), text.replaceAll("@WAYPOST@", join(this.#checkout, "bin/waypost")))
  }

  #write(path: string, text: string): void {
    const ours = this.#steps.some((step) => step.made === "file" && step.path === path)
    if (!ours && existsSync(path)) return this.say(`${path}: somebody else's, left as it is`)
    writeFileSync(path, text)
    if (ours) this.say(`${path}: brought up to date`)
    else this.#done({ made: "file", path }, `${path}: made`)
  }

  link(place: string): void {
    const path = join(this.#root, place)
    const to = join(this.#checkout, "bin", place.slice(place.lastIndexOf("/") + 1))
    if (!existsSync(dirname(path))) return
    const before = standing(path)
    if (before === to) return this.say(`${path}: there already`)
    const earlier = this.#steps.find((step) => step.made === "link" && step.path === path)
    const kept = before === undefined ? undefined : `${path}${aside}`
    // Written down first: were we killed between the two, uninstall would still put the old one back.
    this.#steps = this.#steps.filter((step) => step !== earlier)
    const back = kept ?? (earlier?.made === "link" ? earlier.aside : undefined)
    this.#done(
      { made: "link", path, to, aside: back },
      `${path}: linked${back === undefined ? "" : `; what was there is ${back}`}`,
    )
    if (kept !== undefined) renameSync(path, kept)
    symlinkSync(to, path)
  }

  #done(step: Step, line: string): void {
    this.#steps = [...this.#steps, step]
    writeRecord(this.#root, this.#steps)
    this.say(line)
  }
}

/** What stands there: a link's target, "a file", or undefined. */
export function standing(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  return found.isSymbolicLink() ? readlinkSync(path) : "a file"
}
