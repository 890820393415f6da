// Whether and how the configuration asks for certificates by ACME.
import { join } from "node:path"
import { option } from "../config/options.ts"
import { macro, type Settings } from "../config/settings.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { AcmeWish } from "../trust/acme.ts"
import type { Layout } from "./layout.ts"

/** What is wished for; undefined when nothing is (confACME_DIRECTORY); the error says what is missing. */
export function acmeWish(settings: Settings, { tls }: Pick<Layout, "tls">): Result<AcmeWish | undefined> {
  const directory = option(settings, "AcmeDirectory")
  if (directory === undefined) return ok(undefined)
  const certificateFile = option(settings, "ServerCertFile")
  const keyFile = option(settings, "ServerKeyFile")
  if (certificateFile === undefined || keyFile === undefined)
    return fail("confACME_DIRECTORY needs confSERVER_CERT and confSERVER_KEY, to know where certificates go")
  const listed = option(settings, "AcmeNames")
  const names = listed.length > 0 ? listed : [macro(settings, "j") ?? "localhost"]
  return ok({
    directory,
    email: option(settings, "AcmeEmail"),
    names,
    certificateFile,
    keyFile,
    accountFile: join(tls, "acme-account.pem"),
    http: { port: option(settings, "AcmePort") },
    authorityFile: option(settings, "AcmeAuthority"),
  })
}
