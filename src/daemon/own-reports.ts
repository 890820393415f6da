// The reports that go by themselves to other domains, of DMARC and of TLS, while the mail process lives.
import { join } from "node:path"
import type { Clock, Dns } from "../mail/world.ts"
import { DmarcReports } from "./dmarc-reports.ts"
import type { LetterWorld } from "./own-letter.ts"
import type { ReportsWorld } from "./report-verbs.ts"
import { TlsReports } from "./tls-reports.ts"

export type OwnReportParts = {
  /** The queue's folder. */
  readonly directory: string
  readonly wall: Clock
  readonly dns: Dns
  readonly say: (line: string) => void
  readonly bug: (error: unknown) => void
}

/** Owned by the mail process, stopped once. */
export class OwnReports {
  readonly dmarc: DmarcReports
  readonly tls: TlsReports

  constructor({ directory, dns, ...parts }: OwnReportParts) {
    this.dmarc = new DmarcReports({
      ...parts,
      directory: join(directory, "dmarc"),
      txt: (name) => dns.txt(name),
    })
    this.tls = new TlsReports({ ...parts, directory: join(directory, "tls-reports"), dns })
  }

  /** What commands ask of them. */
  asked(world: () => LetterWorld): { readonly dmarc: ReportsWorld; readonly tls: ReportsWorld } {
    return {
      dmarc: {
        drafts: () => this.dmarc.drafts(world().settings),
        send: (tell) => this.dmarc.send(world(), tell),
      },
      tls: {
        drafts: () => this.tls.drafts(world().settings),
        send: (tell) => this.tls.send(told(world(), tell), "at once"),
      },
    }
  }

  start(world: () => LetterWorld): void {
    this.dmarc.start(world)
    this.tls.start(world)
  }

  async stop(): Promise<void> {
    await this.dmarc.stop()
    await this.tls.stop()
  }
}

/** The same, and who asks hears what the log does. */
function told(world: LetterWorld, tell: (line: string) => void): LetterWorld {
  return {
    ...world,
    say: (line) => {
      world.say(line)
      tell(line)
    },
  }
}
