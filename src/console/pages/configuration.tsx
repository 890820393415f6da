// The configuration as it is on disk: each line with what it does, problems at their lines, and the way to a change.
import { useEffect, useState } from "preact/hooks"
import type { ConfigFile, ConfigIssue } from "../api-config.ts"
import { ask, useAnswer } from "./asking.ts"
import { Change } from "./config-change.tsx"
import { Badge, Empty, Head, Panel, Problem, Waiting } from "./parts.tsx"
import { hrefOf, place } from "./place.ts"
import { many } from "./words.ts"

/** Lines of a large table that are shown at first. */
const firstLines = 1000

/** The page of the files. */
export function ConfigurationPage() {
  const { value, trouble, again } = useAnswer("config", (signal) =>
    ask("GET /api/config", undefined, { signal }),
  )
  const [editing, setEditing] = useState(false)
  const wanted = place.value.about
  useEffect(() => setEditing(false), [wanted])
  if (value === undefined)
    return trouble === undefined ? <Waiting what="the configuration" /> : <Problem trouble={trouble} />
  const file = value.files.find((one) => one.file === wanted) ?? value.files[0]
  return (
    <>
      <Head
        name="Configuration"
        says="The files as they are on disk. They stay the truth: this page only helps to read and change them."
      />
      <Problem trouble={trouble} />
      <div class="files">
        <Files files={value.files} shown={file?.file} />
        {file === undefined ? (
          <Empty says="No file is read: the built-in configuration is in force.">
            <p>
              Start with <code>waypost start --config FILE.mc</code> to have your own.
            </p>
          </Empty>
        ) : editing ? (
          <Change
            key={file.file + file.version}
            file={file}
            leave={() => setEditing(false)}
            written={() => {
              setEditing(false)
              again()
            }}
          />
        ) : (
          <Shown key={file.file} file={file} edit={() => setEditing(true)} />
        )}
      </div>
    </>
  )
}

function Files({ files, shown }: { files: readonly ConfigFile[]; shown: string | undefined }) {
  return (
    <nav class="file-list" aria-label="Files">
      {files.map(({ file, kind, name, issues }) => (
        <a
          key={file}
          href={hrefOf("configuration", file)}
          {...(file === shown ? { "aria-current": "true" as const } : {})}
        >
          <strong>{name}</strong>
          <span>{kind === "mc" ? "configuration" : kind === "map" ? "table" : "class"}</span>
          {issues.length === 0 ? undefined : (
            <Badge tone={worst(issues)}>{many(issues.length, "problem")}</Badge>
          )}
        </a>
      ))}
    </nav>
  )
}

function worst(issues: readonly ConfigIssue[]): "bad" | "warning" {
  return issues.some(({ severity }) => severity === "error") ? "bad" : "warning"
}

function Shown({ file, edit }: { file: ConfigFile; edit: () => void }) {
  const [all, setAll] = useState(false)
  const lines = all ? file.lines : file.lines.slice(0, firstLines)
  return (
    <Panel
      name={file.file}
      aside={
        file.writable ? (
          <button type="button" onClick={edit}>
            Change …
          </button>
        ) : undefined
      }
    >
      {file.locked === undefined ? undefined : <p class="note">Not changed from here: {file.locked}</p>}
      <Issues issues={file.issues.filter(({ line }) => line === undefined)} />
      <div class="scroll" tabIndex={0} role="region" aria-label={`Lines of ${file.name}`}>
        <table class="source" role="table">
          <thead class="unseen" role="rowgroup">
            <tr role="row">
              <th role="columnheader">Line</th>
              <th role="columnheader">Text</th>
              <th role="columnheader">What it does</th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {lines.map((line) => {
              const issues = file.issues.filter((issue) => issue.line === line.line)
              return (
                <tr role="row" key={line.line} class={issues.length === 0 ? "" : worst(issues)}>
                  <td role="cell" class="line-number">
                    {line.line}
                  </td>
                  <td role="cell" class="text">
                    {line.text}
                  </td>
                  <td role="cell" class="does">
                    {line.does}
                    <Issues issues={issues} />
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      {lines.length < file.lines.length ? (
        <button type="button" onClick={() => setAll(true)}>
          Show all {many(file.lines.length, "line")}
        </button>
      ) : undefined}
    </Panel>
  )
}

/** Problems, with what to do. */
export function Issues({ issues }: { issues: readonly ConfigIssue[] }) {
  if (issues.length === 0) return <></>
  return (
    <ul class="issues">
      {issues.map(({ severity, message, at, hint }, n) => (
        <li key={n}>
          <Badge tone={severity === "error" ? "bad" : "warning"}>{severity}</Badge> {message}{" "}
          {at === undefined ? undefined : <code class="place">{at}</code>}
          {hint === undefined ? undefined : <p class="todo">{hint}</p>}
        </li>
      ))}
    </ul>
  )
}
