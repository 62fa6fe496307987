/** A JSON Schema (2020-12) as parsed JSON. */
export type Schema = Readonly<Record<string, unknown>>;

export interface SchemaOptions {
  /** Gives the schema behind a `$ref`. */
  readonly resolve: (ref: string) => Schema;
  /** Refuse fields that an object's schema does not name, although it lets them through. */
  readonly closed?: boolean;
}

type Found = readonly string[];
type Check = (schema: Schema, value: unknown, at: string, options: SchemaOptions) => Found;

const ANNOTATIONS = ['title', 'description', 'default', 'examples', 'contentEncoding', 'contentMediaType'];

/** Keywords that are known. Any other makes the check throw: what is not understood must not count as fulfilled. */
const KEYWORDS: Readonly<Record<string, Check>> = {
  $ref: ({ $ref }, value, at, options) => schemaProblems(options.resolve(String($ref)), value, options, at),
  type: ({ type }, value, at) =>
    [type].flat().some(one => isOfType(value, String(one))) ? [] : [`${at} is not of type ${type}`],
  const: (schema, value, at) => (value === schema['const'] ? [] : [`${at} is not ${JSON.stringify(schema['const'])}`]),
  enum: ({ enum: choices }, value, at) =>
    (choices as unknown[]).includes(value) ? [] : [`${at} is not one of ${JSON.stringify(choices)}`],
  anyOf({ anyOf }, value, at, options) {
    const branches = (anyOf as Schema[]).map(schema => schemaProblems(schema, value, options, at));
    return branches.some(found => found.length === 0)
      ? []
      : [`${at} fits no branch (${branches.map(found => found[0]).join(' | ')})`];
  },
  properties: ({ properties }, value, at, options) =>
    Object.entries(properties as Record<string, Schema>).flatMap(([name, schema]) =>
      isObject(value) && Object.hasOwn(value, name)
        ? schemaProblems(schema, value[name], options, `${at}/${name}`)
        : [],
    ),
  required: ({ required }, value, at) =>
    (required as string[]).flatMap(name =>
      isObject(value) && !Object.hasOwn(value, name) ? [`${at}/${name} is missing`] : [],
    ),
  additionalProperties: ({ additionalProperties: rest, properties = {} }, value, at, options) =>
    isObject(value)
      ? Object.entries(value).flatMap(([name, item]) => {
          if (Object.hasOwn(properties as object, name) || rest === true) return [];
          return rest === false
            ? [`${at}/${name} is not known`]
            : schemaProblems(rest as Schema, item, options, `${at}/${name}`);
        })
      : [],
  propertyNames: ({ propertyNames }, value, at, options) =>
    isObject(value)
      ? Object.keys(value).flatMap(name =>
          schemaProblems(propertyNames as Schema, name, options, `${at} (name ${name})`),
        )
      : [],
  maxProperties: ({ maxProperties }, value, at) =>
    isObject(value) && Object.keys(value).length > Number(maxProperties) ? [`${at} has too many fields`] : [],
  items: ({ items }, value, at, options) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => schemaProblems(items as Schema, item, options, `${at}/${index}`))
      : [],
  minItems: ({ minItems }, value, at) =>
    Array.isArray(value) && value.length < Number(minItems) ? [`${at} has too few entries`] : [],
  maxItems: ({ maxItems }, value, at) =>
    Array.isArray(value) && value.length > Number(maxItems) ? [`${at} has too many entries`] : [],
  minLength: ({ minLength }, value, at) =>
    typeof value === 'string' && [...value].length < Number(minLength) ? [`${at} is too short`] : [],
  maxLength: ({ maxLength }, value, at) =>
    typeof value === 'string' && [...value].length > Number(maxLength) ? [`${at} is too long`] : [],
  pattern: ({ pattern }, value, at) =>
    typeof value === 'string' && !new RegExp(String(pattern), 'u').test(value)
      ? [`${at} does not match ${pattern}`]
      : [],
  format: ({ format }, value, at) =>
    typeof value === 'string' && !isOfFormat(value, String(format)) ? [`${at} is not a ${format}`] : [],
  minimum: ({ minimum }, value, at) =>
    typeof value === 'number' && value < Number(minimum) ? [`${at} is too small`] : [],
  maximum: ({ maximum }, value, at) =>
    typeof value === 'number' && value > Number(maximum) ? [`${at} is too large`] : [],
};

/**
 * What of a value does not fit a schema, as sentences with JSON pointers; none when it fits.
 *
 * @throws Error for a keyword or format that this check does not know
 */
export function schemaProblems(schema: Schema, value: unknown, options: SchemaOptions, at = ''): string[] {
  const found = Object.keys(schema).flatMap(keyword => {
    if (ANNOTATIONS.includes(keyword)) return [];
    const check = KEYWORDS[keyword];
    if (!check) throw new Error(`The keyword ${keyword} is not known to this check.`);
    return check(schema, value, at, options);
  });
  const { properties, additionalProperties } = schema;
  const isOpen = isObject(properties) && additionalProperties === undefined;
  if (!options.closed || !isOpen || !isObject(value)) return found;
  const extra = Object.keys(value).filter(name => !Object.hasOwn(properties, name));
  return [...found, ...extra.map(name => `${at}/${name} is not told`)];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
    default:
      throw new Error(`The type ${type} is not known to this check.`);
  }
}

/** RFC 3339 with upper-case T and Z, and URLs that Node takes. */
function isOfFormat(text: string, format: string): boolean {
  switch (format) {
    case 'date-time':
      return (
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))
      );
    case 'uri':
      return URL.canParse(text);
    default:
      throw new Error(`The format ${format} is not known to this check.`);
  }
}
