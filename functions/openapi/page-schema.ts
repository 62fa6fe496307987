import type { JsonSchema } from './document-types.ts';
import { type Html, html } from './html.ts';
import { type LinkOf, markdown } from './page-markdown.ts';

/** What a view of a schema needs to know of the document. */
export interface SchemaContext {
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  readonly linkOf: LinkOf;
}

/** How many levels of fields open within each other; below that a link leads to the schema's own place. */
const MAX_DEPTH = 3;
const SHORT_PATTERN = 40;

/** The name of a schema that is a reference. */
export function refName(schema: JsonSchema): string | undefined {
  return schema.$ref?.split('/').at(-1);
}

/** The fields of a schema as a description list, or what it is where it has none. */
export function schemaFields(context: SchemaContext, schema: JsonSchema, depth = 0): Html {
  const found = resolved(context, schema);
  if (found.anyOf) {
    return html`<p class="note">One of:</p><ul class="choices">${found.anyOf.map(
      choice =>
        html`<li><span class="type">${typeLabel(choice)}</span>${limitList(choice)}${nested(context, choice, depth)}</li>`,
    )}</ul>`;
  }
  if (found.items) return schemaFields(context, found.items, depth);
  if (!found.properties) return html`<p><span class="type">${typeLabel(found)}</span></p>${limitList(found)}`;
  const required = new Set(found.required);
  return html`<dl class="fields">${Object.entries(found.properties).map(
    ([name, field]) =>
      html`<dt><code>${name}</code> <span class="type">${typeLabel(field)}</span>${required.has(name) ? html` <span class="required">required</span>` : ''}</dt>
<dd>${description(context, field)}${limitList(field)}${nested(context, field, depth)}</dd>`,
  )}</dl>`;
}

/** A few words for the type, with a link where it has a name. */
export function typeLabel(schema: JsonSchema): Html {
  const name = refName(schema);
  if (name !== undefined) return html`<a href="#schema-${name}">${name}</a>`;
  if (schema.anyOf)
    return html`${simpleFirst(schema.anyOf).map((choice, index) => html`${index > 0 ? ' or ' : ''}${typeLabel(choice)}`)}`;
  if (schema.items) return html`list of ${typeLabel(schema.items)}`;
  if (schema.const !== undefined) return html`always ${JSON.stringify(schema.const)}`;
  return html`${[schema.title ?? [schema.type ?? 'any'].flat().join(' or '), schema.format ?? schema.contentEncoding].filter(Boolean).join(', ')}`;
}

function simpleFirst(choices: readonly JsonSchema[]): JsonSchema[] {
  return [...choices].sort((a, b) => Number(Boolean(a.items)) - Number(Boolean(b.items)));
}

/** Limits, default and choices of a schema in words. */
export function limitList(schema: JsonSchema): Html | string {
  const limits = limitsOf(schema);
  return limits.length === 0 ? '' : html`<ul class="limits">${limits.map(limit => html`<li>${limit}</li>`)}</ul>`;
}

function limitsOf(schema: JsonSchema): Html[] {
  const { minLength, maxLength, minItems, maxItems, maxProperties, minimum, maximum } = schema;
  const names = schema.propertyNames;
  const values = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  return [
    ...(schema.enum
      ? [
          html`${schema.enum.map((value, index) => html`${index > 0 ? ' · ' : ''}<code>${String(value) || '(empty)'}</code>`)}`,
        ]
      : []),
    ...(schema.default === undefined ? [] : [html`default <code>${JSON.stringify(schema.default)}</code>`]),
    ...range(minLength, maxLength, 'characters'),
    ...range(minItems, maxItems, 'entries'),
    ...range(undefined, maxProperties, 'entries'),
    ...range(minimum, maximum, ''),
    ...(schema.pattern === undefined ? [] : [patternLimit(schema.pattern)]),
    ...(names?.maxLength ? range(names.minLength, names.maxLength, 'characters a name') : []),
    ...(values?.maxLength ? range(values.minLength, values.maxLength, 'characters a value') : []),
  ];
}

/** A long pattern is for programs: it is there for whoever wants it. */
function patternLimit(pattern: string): Html {
  return pattern.length <= SHORT_PATTERN
    ? html`matches <code>${pattern}</code>`
    : html`<details><summary>pattern</summary><code>${pattern}</code></details>`;
}

function range(from: number | undefined, to: number | undefined, unit: string): Html[] {
  const number = (value: number) => value.toLocaleString('en-US');
  if (from === undefined && to === undefined) return [];
  if (from === undefined) return [html`up to ${number(to ?? 0)} ${unit}`];
  if (to === undefined) return from === 0 ? [] : [html`at least ${number(from)} ${unit}`];
  return [html`${number(from)} to ${number(to)} ${unit}`];
}

function description(context: SchemaContext, field: JsonSchema): readonly Html[] {
  const text = field.description ?? resolved(context, field).description;
  return text === undefined ? [] : markdown(text, context.linkOf);
}

/** What is inside a field, folded away. */
function nested(context: SchemaContext, field: JsonSchema, depth: number): Html | string {
  const inner = field.items ?? field.anyOf?.map(choice => choice.items ?? choice).find(choice => choice.$ref) ?? field;
  const found = resolved(context, inner);
  if (!found.properties && !found.anyOf) return found === inner ? '' : limitList(found);
  const name = refName(inner);
  // What has a name can be read in its own place; what has none, only here.
  if (depth >= MAX_DEPTH && name !== undefined) return '';
  return html`<details><summary>Fields${name ? html` of <code>${name}</code>` : ''}</summary>${schemaFields(context, inner, depth + 1)}</details>`;
}

function resolved(context: SchemaContext, schema: JsonSchema): JsonSchema {
  const name = refName(schema);
  return name === undefined ? schema : (context.schemas[name] ?? schema);
}
