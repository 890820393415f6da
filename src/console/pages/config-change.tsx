// A change of a file: typed, shown as a diff with what would be decided otherwise, and written only when that is confirmed.
import { useState } from "preact/hooks"
import type { ConfigFile, ConfigTried, ConfigWritten, DiffLine, WhatIf } from "../api-config.ts"
import { ask, useDoing } from "./asking.ts"
import { Issues } from "./configuration.tsx"
import { Empty, Field, Panel, Problem } from "./parts.tsx"
import { Reasons } from "./reasons.tsx"
import { many } from "./words.ts"

type ChangeProps = { readonly file: ConfigFile; readonly leave: () => void; readonly written: () => void }

/** The change of one file. */
export function Change({ file, leave, written }: ChangeProps) {
  const [text, setText] = useState(file.text)
  const [addresses, setAddresses] = useState("")
  const { value, trouble, busy, run, clear } = useDoing<ConfigTried>()
  const look = (): void =>
    run(() => ask("POST /api/config/try", { file: file.file, text, ...more(addresses) }))
  return (
    <>
      <Panel name={`Change ${file.file}`}>
        <Field label="Text of the file">
          <textarea
            class="code"
            rows={Math.min(28, Math.max(8, file.lines.length + 2))}
            value={text}
            spellcheck={false}
            onInput={(event) => {
              setText(event.currentTarget.value)
              clear()
            }}
          />
        </Field>
        <Field label="Also ask about" note="beside the addresses that mail came for lately">
          <input
            value={addresses}
            placeholder="addresses"
            spellcheck={false}
            onInput={(event) => setAddresses(event.currentTarget.value)}
          />
        </Field>
        <div class="actions">
          <button type="button" class="main" onClick={look} disabled={busy || text === file.text}>
            What would change?
          </button>
          <button type="button" class="quiet" onClick={leave}>
            Leave it as it is
          </button>
        </div>
        <Problem trouble={trouble} />
      </Panel>
      {value === undefined ? undefined : (
        <Tried tried={value} text={text} version={file.version} written={written} />
      )}
    </>
  )
}

function more(addresses: string): { readonly addresses?: readonly string[] } {
  const words = addresses.split(/[\s,]+/).filter((word) => word !== "")
  return words.length === 0 ? {} : { addresses: words }
}

type TriedProps = {
  readonly tried: ConfigTried
  readonly text: string
  readonly version: string
  readonly written: () => void
}

function Tried({ tried, text, version, written }: TriedProps) {
  const [sure, setSure] = useState(false)
  const { trouble, busy, run } = useDoing<ConfigWritten>()
  const broken = tried.issues.some(({ severity }) => severity === "error")
  const write = (): void =>
    run(async () => {
      const done = await ask("PUT /api/config/file", { file: tried.file, text, version, confirm: true })
      written()
      return done
    })
  return (
    <>
      <Panel name="The change">
        <Diff lines={tried.diff} />
        <Issues issues={tried.issues} />
      </Panel>
      {tried.whatif === undefined ? undefined : (
        <Panel name="What if" aside={`${many(tried.whatif.asked, "address", "addresses")} asked`}>
          <WhatIfs changed={tried.whatif.changed} />
        </Panel>
      )}
      <Panel name="Write it">
        {broken ? (
          <p>This text cannot be used, so it is not written. Mend the errors above.</p>
        ) : (
          <>
            <label class="sure">
              <input type="checkbox" checked={sure} onChange={() => setSure(!sure)} /> I have read the change
              and what it does to mail
            </label>
            <div class="actions">
              <button type="button" class="danger" disabled={!sure || busy} onClick={write}>
                Write {tried.file}
              </button>
            </div>
          </>
        )}
        <Problem trouble={trouble} />
      </Panel>
    </>
  )
}

const marks = { same: " ", removed: "−", added: "+" } as const

function Diff({ lines }: { lines: readonly DiffLine[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Diff">
      <table class="source diff">
        <tbody>
          {lines.map(({ kind, text, before, after }, n) => (
            <tr key={n} class={kind}>
              <td class="line-number">{before ?? ""}</td>
              <td class="line-number">{after ?? ""}</td>
              <td class="sign">
                {marks[kind]}
                <span class="unseen">{kind}</span>
              </td>
              <td class="text">{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function WhatIfs({ changed }: { changed: readonly WhatIf[] }) {
  if (changed.length === 0)
    return <Empty says="None of the addresses that were asked would be decided otherwise." />
  return (
    <ul class="whatif">
      {changed.map(({ address, before, after, beforeReasons, afterReasons }, n) => (
        <li key={n}>
          <p class="address">{address}</p>
          <dl>
            <div>
              <dt>before</dt>
              <dd>
                {before}
                <Reasons lines={beforeReasons} />
              </dd>
            </div>
            <div>
              <dt>after</dt>
              <dd>
                <strong>{after}</strong>
                <Reasons lines={afterReasons} />
              </dd>
            </div>
          </dl>
        </li>
      ))}
    </ul>
  )
}
