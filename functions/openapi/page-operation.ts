import type {
  JsonSchema,
  MediaType,
  Method,
  OpenApiDocument,
  Operation,
  Parameter,
  Reference,
  Response,
} from './document-types.ts';
import { type Html, html } from './html.ts';
import { codeChoice, coloured, jsonCode } from './page-code.ts';
import { type CurlInput, curlLine, examplesOf } from './page-curl.ts';
import { markdown } from './page-markdown.ts';
import { limitList, refName, type SchemaContext, schemaFields, typeLabel } from './page-schema.ts';

/** One operation with where it is found. */
export interface Route {
  readonly path: string;
  readonly method: Method;
  readonly operation: Operation;
}

/** All operations in the order of the document. */
export function routesOf(document: OpenApiDocument): Route[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method as Method, operation })),
  );
}

export function methodBadge(method: Method): Html {
  return html`<span class="method ${method}">${method.toUpperCase()}</span>`;
}

/** An operation in full: what it is on the left, how to call it on the right. */
export function operationSection(document: OpenApiDocument, context: SchemaContext, route: Route): Html {
  const { path, method, operation } = route;
  const parameters = (operation.parameters ?? []).map(parameter => parameterOf(document, parameter));
  const needsKey = (operation.security ?? document.security).length > 0;
  const serverUrl = document.servers[0]?.url ?? '';
  const call: CurlInput = { serverUrl, path, method, operation, parameters, needsKey };
  return html`<section class="operation" id="${operation.operationId}" aria-labelledby="${operation.operationId}-title">
<h3 id="${operation.operationId}-title">${operation.summary}</h3>
<p class="route">${methodBadge(method)} <code>${path}</code>${needsKey ? '' : html` <span class="open">no key needed</span>`}</p>
<div class="columns"><div>
${markdown(operation.description, context.linkOf)}
${parameters.length > 0 ? html`<h4>Parameters</h4>${parameterList(context, parameters)}` : ''}
${operation.requestBody ? html`<h4>Body</h4>${Object.entries(operation.requestBody.content).map(([type, media]) => bodyFields(context, type, media))}` : ''}
<h4>Answers</h4>
${Object.entries(operation.responses).map(([status, response]) => responseView(document, context, status, response))}
</div><div class="calls">${callExamples(call)}${answerExamples(operation)}</div></div>
</section>`;
}

function parameterOf(document: OpenApiDocument, parameter: Parameter | Reference): Parameter {
  if (!('$ref' in parameter)) return parameter;
  const name = parameter.$ref.split('/').at(-1) ?? '';
  const found = document.components.parameters[name];
  if (!found) throw new Error(`There is no parameter ${name}.`);
  return found;
}

function parameterList(context: SchemaContext, parameters: readonly Parameter[]): Html {
  return html`<dl class="fields">${parameters.map(
    ({ name, in: place, required, schema, description }) =>
      html`<dt><code>${name}</code> <span class="place">${place}</span> <span class="type">${typeLabel(schema)}</span>${required ? html` <span class="required">required</span>` : ''}</dt>
<dd>${markdown(description, context.linkOf)}${limitList(schema)}</dd>`,
  )}</dl>`;
}

function bodyFields(context: SchemaContext, type: string, { schema }: MediaType): Html {
  return html`<details><summary><code>${type}</code> <span class="type">${plainLabel(schema)}</span></summary>${schemaFields(context, schema)}${schema.items ? limitList(schema) : ''}</details>`;
}

/** The type without links: the line is a button already. */
function plainLabel(schema: JsonSchema): Html {
  return { html: typeLabel(schema).html.replace(/<[^>]+>/g, '') };
}

function responseView(document: OpenApiDocument, context: SchemaContext, status: string, response: Response): Html {
  const [first = '', ...rest] = response.description.split('\n\n');
  const isProblem = Boolean(response.content?.['application/problem+json']);
  const codes = Object.keys(response.content?.['application/problem+json']?.examples ?? {});
  const title = isProblem
    ? html`${codes.map((code, index) => html`${index > 0 ? ', ' : ''}<code>${code}</code>`)}`
    : markdownLine(first, context);
  const body = [
    isProblem ? markdown(first, context.linkOf) : [],
    rest.flatMap(text => markdown(text, context.linkOf)),
    headerList(document, context, response),
    Object.entries(response.content ?? {}).map(([type, media]) => answerBody(context, type, media)),
  ];
  return html`<details class="answer"><summary><span class="status s${status[0]}">${status}</span> <span>${title}</span></summary>${body}</details>`;
}

function markdownLine(text: string, context: SchemaContext): Html {
  const [paragraph] = markdown(text, context.linkOf);
  return { html: (paragraph?.html ?? '').replace(/^<p>|<\/p>$/g, '') };
}

function headerList(document: OpenApiDocument, context: SchemaContext, { headers }: Response): Html | string {
  if (!headers) return '';
  return html`<dl class="fields">${Object.keys(headers).map(name => {
    const header = document.components.headers[name];
    return html`<dt><code>${name}</code> <span class="place">header</span></dt><dd>${header ? markdown(header.description, context.linkOf) : ''}</dd>`;
  })}</dl>`;
}

function answerBody(context: SchemaContext, type: string, media: MediaType): Html {
  const name = refName(media.schema);
  return name === undefined || name === 'Problem'
    ? html`<p><code>${type}</code> <span class="type">${typeLabel(media.schema)}</span></p>`
    : html`<details><summary><code>${type}</code> <span class="type">${name}</span></summary>${schemaFields(context, media.schema)}</details>`;
}

function callExamples(call: CurlInput): Html {
  const { operationId, requestBody } = call.operation;
  const calls = Object.entries(requestBody?.content ?? {}).flatMap(([mediaType, media]) =>
    examplesOf(media).map(({ summary, value }) => ({ name: summary, code: curlLine(call, { mediaType, value }) })),
  );
  const blocks = (calls.length > 0 ? calls : [{ name: call.operation.summary, code: curlLine(call) }]).map(
    ({ name, code }) => ({ name, code: coloured(code), caption: 'curl' }),
  );
  return html`<h4>Call</h4>${codeChoice(`${operationId}-call`, blocks)}`;
}

/** Answers with a body that stands nowhere else; what a call is made for comes first. */
function answerExamples({ operationId, responses }: Operation): Html | string {
  const rank = (status: string) => (status.startsWith('2') ? -Number(status) : Number(status));
  const blocks = Object.entries(responses)
    .sort(([a], [b]) => rank(a) - rank(b))
    .flatMap(([status, { content }]) =>
      Object.values(content ?? {})
        .flatMap(examplesOf)
        .map(({ summary, value }) => ({ name: `${status}: ${summary}`, code: jsonCode(value), caption: 'JSON' })),
    );
  return blocks.length === 0 ? '' : html`<h4>Answer</h4>${codeChoice(`${operationId}-answer`, blocks)}`;
}
