// confDONT_BLAME_SENDMAIL: which rules of safety of a user's files are borne. Most of sendmail's words are about files that we write
// or read in another way; those that cannot be borne here are told (docs/settings.md).
import type { BornRule } from "../mail/world.ts"
import { hasFlag, option, optionAt } from "./options.ts"
import { error, type Issue, suggestion, warning } from "./issues.ts"
import type { Settings } from "./settings.ts"

/** .forward files, :include: lists. */
export type UserFileKind = "forward" | "include"

type Effect = {
  readonly kinds: readonly UserFileKind[]
  readonly bears: readonly BornRule[]
  /** What such a file names may be programs and files, too. */
  readonly safe?: true
}

const both = ["forward", "include"] as const
const anyDirectory = ["group writable directory", "world writable directory", "directory of another"] as const

/** Words that have effect. */
const effects: Readonly<Record<string, Effect>> = {
  groupwritableforwardfile: { kinds: ["forward"], bears: ["group writable file"] },
  groupwritableforwardfilesafe: { kinds: ["forward"], bears: ["group writable file"], safe: true },
  groupwritableincludefile: { kinds: ["include"], bears: ["group writable file"] },
  groupwritableincludefilesafe: { kinds: ["include"], bears: ["group writable file"], safe: true },
  worldwritableforwardfile: { kinds: ["forward"], bears: ["world writable file"] },
  worldwritableincludefile: { kinds: ["include"], bears: ["world writable file"] },
  forwardfileingroupwritabledirpath: { kinds: ["forward"], bears: ["group writable directory"] },
  includefileingroupwritabledirpath: { kinds: ["include"], bears: ["group writable directory"] },
  groupwritabledirpathsafe: { kinds: both, bears: ["group writable directory"], safe: true },
  forwardfileinunsafedirpath: { kinds: ["forward"], bears: anyDirectory },
  forwardfileinunsafedirpathsafe: { kinds: ["forward"], bears: anyDirectory, safe: true },
  includefileinunsafedirpath: { kinds: ["include"], bears: anyDirectory },
  includefileinunsafedirpathsafe: { kinds: ["include"], bears: anyDirectory, safe: true },
}

/** Words for what nobody is blamed for here. */
const neverBlamed: ReadonlySet<string> = new Set(
  (
    "safe assumesafechown certowner classfileinunsafedirpath defaultauthinfoinunsafedirpath " +
    "dontwarnforwardfileinunsafedirpath errorheaderinunsafedirpath groupreadableaskpassfile " +
    "groupreadabledefaultauthinfofile groupreadablekeyfile groupreadablesasldbfile groupwritablealiasfile " +
    "groupwritablesasldbfile helpfileinunsafedirpath initnotrootowned insufficiententropy " +
    "linkedaliasfileinwritabledir linkedclassfileinwritabledir linkedmapinwritabledir " +
    "linkedserviceswitchfileinwritabledir mapinunsafedirpath nonrootsafeaddr runprograminunsafedirpath " +
    "runwritableprogram truststickybit worldwritablealiasfile writemaptohardlink writemaptosymlink " +
    "writestatstohardlink writestatstosymlink"
  ).split(" "),
)

/** Words for what is not borne, and why. */
const notBorne: Readonly<Record<string, string>> = {
  filedeliverytohardlink: "mail is never appended to a file with several names",
  filedeliverytosymlink: "mail is never appended through a symbolic link",
  linkedforwardfileinwritabledir: "a .forward that is a symbolic link is never followed",
  linkedincludefileinwritabledir: "a list that is a symbolic link is never followed",
}

/** What of the option's words is not known, or not borne. */
export function blameIssues(settings: Pick<Settings, "options">): readonly Issue[] {
  const at = optionAt(settings, "DontBlameSendmail")
  if (at === undefined) return []
  return option(settings, "DontBlameSendmail").flatMap((word) => {
    const folded = word.toLowerCase()
    const why = Object.hasOwn(notBorne, folded) ? notBorne[folded] : undefined
    if (why !== undefined)
      return [warning("not-supported", `confDONT_BLAME_SENDMAIL: ${word} has no effect: ${why}`, at)]
    if (folded === "" || neverBlamed.has(folded) || Object.hasOwn(effects, folded)) return []
    const hint = suggestion(folded, [...neverBlamed, ...Object.keys(effects)])
    return [error("bad-value", `confDONT_BLAME_SENDMAIL: there is no word ${word}`, at, hint)]
  })
}

/** Which rules a file may break and is read all the same. */
export function bornRules(settings: Pick<Settings, "options">, kind: UserFileKind): readonly BornRule[] {
  return rulesOf(settings, kind, ({ safe }) => safe !== true)
}

/** Of the rules that a file breaks, those for which it may name no programs and files. */
export function notSafeFor(
  settings: Pick<Settings, "options">,
  kind: UserFileKind,
  broken: readonly BornRule[],
): readonly BornRule[] {
  if (broken.length === 0) return broken
  const safe = rulesOf(settings, kind, (effect) => effect.safe === true)
  return broken.filter((rule) => !safe.includes(rule))
}

function rulesOf(
  settings: Pick<Settings, "options">,
  kind: UserFileKind,
  counts: (effect: Effect) => boolean,
): readonly BornRule[] {
  return Object.entries(effects).flatMap(([word, effect]) =>
    counts(effect) && effect.kinds.includes(kind) && hasFlag(settings, "DontBlameSendmail", word)
      ? effect.bears
      : [],
  )
}
