// The parts of an explanation: the tree of aliases, where each end goes, the session as it would be heard, the header rewritten.
import type { ExplainAnswer, ExplainTree, RehearsedStep } from "../api-explain.ts"
import { Badge, Panel, Reasons, type Tone, toneOf, withPlaces } from "./parts.tsx"

type One = ExplainAnswer["explained"][number]

/** What becomes of one address. */
export function Explained({ explained }: { explained: One }) {
  const { address, tree, deliverable, failed, lines, sender, admission } = explained
  return (
    <Panel name={address}>
      <div class="outcomes">
        {sender === undefined ? undefined : <Asked name="The sender" decision={sender} />}
        {admission === undefined ? undefined : (
          <Asked name="The client may send there" decision={admission} />
        )}
      </div>
      {tree === undefined ? undefined : (
        <ul class="tree" aria-label="Aliases and .forward files">
          <Branch tree={tree} />
        </ul>
      )}
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
          <Reasons lines={reasons.map(({ says, at }) => (at === undefined ? says : `${says} (${at})`))} />
        </div>
      ))}
      {failed.map(({ address: end, reply, outcome }, n) => (
        <div class="end" key={n}>
          <p>
            <Badge tone={outcome === "no" ? "bad" : "warning"}>
              {outcome === "no" ? "refused" : "later"}
            </Badge>{" "}
            <span class="address">{end}</span>
          </p>
          <p class="says">{reply}</p>
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
      <Reasons lines={reasons.map(({ says, at }) => (at === undefined ? says : `${says} (${at})`))} />
    </div>
  )
}

const fates: Readonly<Record<ExplainTree["fate"], { readonly tone: Tone; readonly word: string }>> = {
  expanded: { tone: "plain", word: "stands for" },
  delivered: { tone: "ok", word: "delivered" },
  refused: { tone: "bad", word: "refused" },
  later: { tone: "warning", word: "later" },
  loop: { tone: "bad", word: "↻ loop" },
}

function Branch({ tree: { address, says, at, fate, under } }: { tree: ExplainTree }) {
  const { tone, word } = fates[fate]
  return (
    <li class={fate === "loop" ? "loop" : ""}>
      <span class="node">
        <span class="address">{address}</span> <Badge tone={tone}>{word}</Badge>
        <span class="says">
          {says}
          {at === undefined ? undefined : <code class="place"> {at}</code>}
        </span>
      </span>
      {under.length === 0 ? undefined : (
        <ul>
          {under.map((one, n) => (
            <Branch key={n} tree={one} />
          ))}
        </ul>
      )}
    </li>
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

/** The header before and after. */
export function Rewritten({ header }: { header: ExplainAnswer["header"] }) {
  return (
    <Panel name="Header, before and after rewriting">
      <div class="scroll" tabIndex={0} role="region" aria-label="Header before and after">
        <table class="rewrite">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {header.map(({ name, before, after, why }, n) => (
              <tr key={n} class={before === after ? "same" : "changed"}>
                <th scope="row">{name}</th>
                <td>{before}</td>
                <td>
                  {before === after ? "as it is" : <strong>{after}</strong>}
                  {why === undefined ? undefined : <p class="says">{withPlaces(why)}</p>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  )
}
