// A value against a JSON schema: as much of draft 2020-12 as the console's OpenAPI uses; a keyword that is not known here is an error,
// so that nothing is passed over.

type Schema = { readonly [key: string]: unknown }

const known: ReadonlySet<string> = new Set([
  ...["$ref", "type", "enum", "const", "anyOf", "items", "properties", "required", "additionalProperties"],
  "description",
])

/** What is wrong with a value, each with its place; nothing when it is right. `definitions` are those of `#/components/schemas/`. */
export function mismatches(
  value: unknown,
  schema: Schema,
  definitions: Readonly<Record<string, Schema>>,
  at = "",
): readonly string[] {
  const strange = Object.keys(schema).filter((key) => !known.has(key))
  if (strange.length > 0) return [`${at}: this test does not know ${strange.join(", ")}`]
  if (typeof schema["$ref"] === "string") {
    const definition = definitions[schema["$ref"].replace("#/components/schemas/", "")]
    if (definition === undefined) return [`${at}: ${schema["$ref"]} is not defined`]
    return mismatches(value, definition, definitions, at)
  }
  if (Array.isArray(schema["anyOf"])) {
    const each = (schema["anyOf"] as readonly Schema[]).map((one) => mismatches(value, one, definitions, at))
    return each.some((wrong) => wrong.length === 0)
      ? []
      : [`${at}: fits none of ${each.length}`, ...each.flat()]
  }
  if ("const" in schema && value !== schema["const"])
    return [`${at}: is not ${JSON.stringify(schema["const"])}`]
  if (Array.isArray(schema["enum"]) && !schema["enum"].includes(value))
    return [`${at}: ${JSON.stringify(value)} is none of ${schema["enum"].join(", ")}`]
  return ofType(value, schema, definitions, at)
}

function ofType(
  value: unknown,
  schema: Schema,
  definitions: Readonly<Record<string, Schema>>,
  at: string,
): readonly string[] {
  const { type } = schema
  if (type === undefined) return []
  if (type === "null") return value === null ? [] : [`${at}: is not null`]
  if (type === "array") {
    if (!Array.isArray(value)) return [`${at}: is no array`]
    return value.flatMap((item, n) => mismatches(item, schema["items"] as Schema, definitions, `${at}[${n}]`))
  }
  if (type !== "object") return typeof value === type ? [] : [`${at}: is no ${String(type)}`]
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${at}: is no object`]
  const properties = (schema["properties"] ?? {}) as Readonly<Record<string, Schema>>
  const required = (schema["required"] ?? []) as readonly string[]
  const missing = required.filter((name) => !(name in value)).map((name) => `${at}.${name}: is missing`)
  const wrong = Object.entries(value).flatMap(([name, one]) => {
    const property = properties[name]
    if (property !== undefined) return mismatches(one, property, definitions, `${at}.${name}`)
    return schema["additionalProperties"] === false ? [`${at}.${name}: is not promised`] : []
  })
  return [...missing, ...wrong]
}
