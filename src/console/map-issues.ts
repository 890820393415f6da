// What is wrong with the text of a table, line by line: what makemap and newaliases would say of it.
import { compileAliases, compileMap } from "../maps/compile.ts"
import type { ConfigFile, ConfigIssue } from "./api-config.ts"

/** Its bad lines; a text that cannot be used at all is one error. */
export function mapIssues(
  { file, name }: Pick<ConfigFile, "file" | "name">,
  text: string,
): readonly ConfigIssue[] {
  const compiled = name === "aliases" ? compileAliases(text) : compileMap(text, { keepCase: false })
  if (!compiled.ok) return [{ severity: "error", message: compiled.error }]
  return compiled.value.problems.map(({ line, says }) => ({
    severity: "error" as const,
    message: says,
    at: `${file}:${line}`,
    line,
    column: 1,
  }))
}
