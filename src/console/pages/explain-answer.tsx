// The parts of an explanation: the tree of aliases, where each end goes, the session as it would be heard, the header rewritten.
import type { ExplainAnswer, RehearsedStep } from "../api-explain.ts"
import { AliasTree } from "./alias-tree.tsx"
import { Badge, Panel, toneOf } from "./parts.tsx"
import { Reasons, Steps, withPlaces } from "./reasons.tsx"
import { stepsOf } from "./steps.ts"

type One = ExplainAnswer["explained"][number]

/** What becomes of one address; a session that was rehearsed has told already whether it is let in. */
export function Explained({ explained, rehearsed }: { explained: One; rehearsed: boolean }) {
  const { address, tree, deliverable, failed, beyond, lines, sender, admission } = explained
  return (
    <Panel name={address}>
      {rehearsed || sender === undefined ? undefined : <Asked name="The sender" decision={sender} />}
      {rehearsed || admission === undefined ? undefined : (
        <Asked name="The client may send there" decision={admission} />
      )}
      {tree === undefined ? undefined : <AliasTree tree={tree} />}
      {deliverable.map(({ address: end, mailer, host, user, runsAs, reasons }, n) => (
        <div class="end" key={n}>
          <p>
            <Badge tone="ok">goes</Badge> <span class="address">{end}</span>
          </p>
          <p class="says">
            mailer <strong>{mailer}</strong>
            {host === "" ? "" : `, host ${host}`}, user {user}
            {runsAs === undefined ? "" : `, with the rights of ${runsAs}`}
          </p>
          <Steps steps={stepsOf(reasons)} />
        </div>
      ))}
      {failed.map(({ address: end, reply, outcome, reasons }, n) => (
        <div class="end" key={n}>
          <p>
            <Badge tone={outcome === "no" ? "bad" : "warning"}>
              {outcome === "no" ? "refused" : "later"}
            </Badge>{" "}
            <span class="address">{end}</span>
          </p>
          <p class="says">{reply}</p>
          <Steps steps={stepsOf(reasons)} />
        </div>
      ))}
      {beyond.map(({ heading, steps }) => (
        <div class="end" key={heading}>
          <p>{heading}</p>
          <Steps steps={stepsOf(steps)} />
        </div>
      ))}
      <details>
        <summary>In the words of waypost explain</summary>
        <pre tabIndex={0}>
          {lines.map((line, n) => (
            <span key={n}>
              {withPlaces(line)}
              {"\n"}
            </span>
          ))}
        </pre>
      </details>
    </Panel>
  )
}

function Asked({ name, decision }: { name: string; decision: NonNullable<One["sender"]> }) {
  const { outcome, reply, reasons } = decision
  return (
    <div class="end">
      <p>
        <Badge tone={toneOf(outcome)}>{outcome}</Badge> {name}
        {reply === undefined ? undefined : <q class="says">{reply}</q>}
      </p>
      <Steps steps={stepsOf(reasons)} />
    </div>
  )
}

/** The session as a client would have it. */
export function Rehearsed({ steps }: { steps: readonly RehearsedStep[] }) {
  return (
    <Panel name="Session">
      <ol class="session">
        {steps.map(({ says, outcome, reply, reasons }, n) => (
          <li key={n}>
            <p class="client">{says}</p>
            <p class="server">
              <Badge tone={toneOf(outcome)}>{outcome}</Badge> {reply}
            </p>
            <Reasons lines={reasons} />
          </li>
        ))}
      </ol>
    </Panel>
  )
}

/** The header before and after, by each mailer that the message leaves by. */
export function Rewritten({ header }: { header: ExplainAnswer["header"] }) {
  const mailers = [...new Set(header.map(({ mailer }) => mailer))]
  return (
    <>
      {mailers.map((mailer) => (
        <Panel key={mailer} name={`Header as it leaves by ${mailer}`} aside="before and after rewriting">
          <Fields fields={header.filter((one) => one.mailer === mailer)} label={`Header by ${mailer}`} />
        </Panel>
      ))}
    </>
  )
}

function Fields({ fields, label }: { fields: ExplainAnswer["header"]; label: string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table class="rewrite">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {fields.map(({ name, before, after, why }, n) => (
            <Rewriting key={n} field={{ name, before, after, why }} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Rewriting({
  field: { name, before, after, why },
}: {
  field: Omit<ExplainAnswer["header"][number], "mailer">
}) {
  return (
    <>
      <tr class={before === after ? "same" : "changed"}>
        <th scope="row">{name}</th>
        <td>{before}</td>
        <td>{before === after ? "as it is" : <strong>{after}</strong>}</td>
      </tr>
      {why.length === 0 ? undefined : (
        <tr>
          <td colSpan={3} class="why">
            <Reasons lines={why} />
          </td>
        </tr>
      )}
    </>
  )
}
