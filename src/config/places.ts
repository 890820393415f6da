// Where the files of a configuration are looked for: OSTYPE() and DOMAIN() name them by their last part.
import type { ReadText } from "../mail/world.ts"

/** The names of sendmail's cf/ostype/*.m4: all are answered by our own paths. */
export const ostypes: ReadonlySet<string> = new Set(
  `debian linux gnu mklinux unknown generic bsd4.3 bsd4.4 bsdi bsdi1.0 bsdi2.0 darwin dragonfly
  freebsd4 freebsd5 freebsd6 freebsd7 freebsd8 freebsd9 openbsd netbsd solaris2 solaris2.ml
  solaris2.pre5 solaris8 solaris11 sunos3.5 sunos4.1 aix3 aix4 aix5 hpux9 hpux10 hpux11 irix4 irix5
  irix6 osf1 ultrix4 unicos unicosmk unicosmp unixware7 uxpds svr4 sco3.2 sco-uw-2.1 nextstep maxion
  isc4.1 mpeix powerux ptx2 qnx riscos4.5 rhapsody sinix siros sunos a-ux altos amdahl-uts dgux
  domainos dynix3.2`.split(/\s+/),
)

/** The folder of a path with its slash; "" when it has none. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1)
}

/** The text of cf/KIND/NAME.m4 where a site may have put it; undefined when it is nowhere. */
export function siteFile(
  read: ReadText,
  from: string,
  kind: "ostype" | "domain",
  name: string,
): { readonly path: string; readonly text: string } | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(name)) return undefined
  const folder = folderOf(from)
  const places = [
    `${folder}../${kind}/`,
    `${folder}${kind}/`,
    `/usr/share/sendmail/cf/${kind}/`,
    `/usr/share/sendmail-cf/${kind}/`,
  ]
  for (const place of places) {
    const path = `${place}${name}.m4`
    const text = read(path)
    if (text.ok) return { path, text: text.value }
  }
  return undefined
}
