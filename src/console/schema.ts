// JSON schemas (draft 2020-12, as OpenAPI 3.1 has them) that know the TypeScript type they describe: where a schema and its type part,
// the build breaks.

/** A schema as JSON. */
export type JsonSchema = { readonly [key: string]: unknown }

/** A schema of values of this type. */
export type Schema<T> = {
  readonly json: JsonSchema
  /** Only for the compiler. */
  readonly of?: T
}

/** The type that a schema describes. */
export type TypeOf<S> = S extends Schema<infer T> ? T : never

/** A text; `says` tells what it is. */
export function text(says?: string): Schema<string> {
  return { json: { type: "string", ...described(says) } }
}

export function number(says?: string): Schema<number> {
  return { json: { type: "number", ...described(says) } }
}

export function flag(says?: string): Schema<boolean> {
  return { json: { type: "boolean", ...described(says) } }
}

/** One of these words. */
export function words<const W extends readonly string[]>(...choice: W): Schema<W[number]> {
  return { json: { type: "string", enum: choice } }
}

/** This value alone. */
export function only<const V extends boolean | string>(value: V): Schema<V> {
  return { json: { const: value } }
}

export function listOf<T>(item: Schema<T>): Schema<readonly T[]> {
  return { json: { type: "array", items: item.json } }
}

/** Or null. */
export function orNull<T>({ json }: Schema<T>): Schema<T | null> {
  return { json: { anyOf: [json, { type: "null" }] } }
}

/** One of several. */
export function either<A, B>(a: Schema<A>, b: Schema<B>): Schema<A | B> {
  return { json: { anyOf: [a.json, b.json] } }
}

/** A schema that is kept under a name: of what contains itself. */
export function named<T>(name: string): Schema<T> {
  return { json: { $ref: `#/components/schemas/${name}` } }
}

/** An object of the mail system's own, whose inside is not promised. */
export function inside<T>(says: string): Schema<T> {
  return { json: { type: "object", description: says } }
}

/** Anything at all. */
export function anything(says: string): Schema<unknown> {
  return { json: { description: says } }
}

type Fields = { readonly [name: string]: Schema<unknown> }
type Bare<Name> = Name extends `${infer Plain}?` ? Plain : Name
type ObjectOf<F extends Fields> = { readonly [Name in keyof F as Bare<Name>]: TypeOf<F[Name]> }

/** An object with these fields and no others; a `?` behind a name: may be left out. */
export function object<F extends Fields>(fields: F, says?: string): Schema<ObjectOf<F>> {
  const entries = Object.entries(fields)
  return {
    json: {
      type: "object",
      ...described(says),
      properties: Object.fromEntries(entries.map(([name, { json }]) => [name.replace(/\?$/, ""), json])),
      required: entries.map(([name]) => name).filter((name) => !name.endsWith("?")),
      additionalProperties: false,
    },
  }
}

function described(says: string | undefined): JsonSchema {
  return says === undefined ? {} : { description: says }
}

// What may be left out is compared as if it were there: a field that one side lacks is found, and the walk through the API finds
// one that is promised and does not come.
type Solid<T> = T extends readonly (infer Item)[]
  ? readonly Solid<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]-?: Solid<Exclude<T[Name], undefined>> }
    : T
type Agree<A, B> = [Solid<A>] extends [Solid<B>] ? ([Solid<B>] extends [Solid<A>] ? true : false) : false

/** Takes the schema of exactly this type, and no other. */
export function exactly<T>() {
  return <S extends Schema<unknown>>(schema: Agree<T, TypeOf<S>> extends true ? S : never): JsonSchema =>
    schema.json
}
