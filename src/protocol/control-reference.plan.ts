import { NO_BODY, ROUTES, type Route } from './control-routes.js';
import { messageSchemas, nameOf, referenceTo, referredName, type JsonSchema } from './control-schemas.js';
import { z } from 'zod';

type AnyRoute = Pick<
  Route<unknown, unknown, unknown>,
  'method' | 'path' | 'summary' | 'params' | 'body' | 'answer' | 'status'
>;

/** docs/control-api.md */
export function controlReference(): string {
  const schemas = messageSchemas();
  return [
    INTRODUCTION,
    SHELL,
    '## Requests',
    '',
    '| request | what it does | body | answer |',
    '| --- | --- | --- | --- |',
    ...Object.values<AnyRoute>(ROUTES).map(rowOf),
    '',
    '## Messages',
    '',
    'Fields with `?` may be absent. Further fields may be added: ignore those that you do not know.',
    '',
    ...Object.entries(schemas).flatMap(([name, schema]) => [
      `### ${name}`,
      '',
      '```ts',
      typeText(schema, ''),
      '```',
      '',
    ]),
  ].join('\n');
}

function rowOf({ method, path, summary, body, answer }: AnyRoute): string {
  const given = body === NO_BODY ? '' : linkTo(nameOf(body));
  return `| \`${method} ${path}\` | ${summary} | ${given} | ${linkTo(nameOf(answer))} |`;
}

function linkTo(name: string): string {
  return `[${name}](#${name.toLowerCase()})`;
}

/** A schema in TypeScript's notation. */
function typeText(schema: JsonSchema, indent: string): string {
  const name = referredName(schema);
  if (name !== undefined) return name;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined)
    return wrapped(
      schema.enum.map((each) => JSON.stringify(each)),
      indent,
    );
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined)
    return choices.map((each) => typeText(each, `${indent}  `)).join(`\n${indent}| `);
  switch (schema.type) {
    case 'array':
      return `Array<${typeText(schema.items ?? {}, indent)}>`;
    case 'object':
      return objectText(schema, indent);
    case 'integer':
      return 'number';
    default:
      return schema.type ?? 'unknown';
  }
}

const MAX_COLUMNS = 100;

function wrapped(parts: readonly string[], indent: string): string {
  const line = parts.join(' | ');
  return indent.length + line.length < MAX_COLUMNS ? line : parts.join(`\n${indent}| `);
}

function objectText({ properties, required = [], additionalProperties }: JsonSchema, indent: string): string {
  const inner = `${indent}  `;
  const fields = Object.entries(properties ?? {}).map(
    ([name, each]) => `${name}${required.includes(name) ? '' : '?'}: ${typeText(each, inner)}`,
  );
  if (fields.length === 0)
    return additionalProperties ? `Record<string, ${typeText(additionalProperties, indent)}>` : '{}';
  const line = `{ ${fields.join('; ')} }`;
  if (!line.includes('\n') && indent.length + line.length < MAX_COLUMNS) return line;
  return ['{', ...fields.map((field) => `${inner}${field};`), `${indent}}`].join('\n');
}

/** docs/openapi.json: https://spec.openapis.org/oas/v3.1.1.html */
export function openApiDocument(): object {
  const routes = Object.entries<AnyRoute>(ROUTES);
  const paths = [...new Set(routes.map(([, { path }]) => path))];
  return {
    openapi: '3.1.1',
    info: {
      title: 'mobyvm control API',
      version: '1',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: Object.fromEntries(
      paths.map((path) => [
        path,
        Object.fromEntries(
          routes
            .filter(([, route]) => route.path === path)
            .map(([name, route]) => [route.method.toLowerCase(), operationOf(name, route)]),
        ),
      ]),
    ),
    components: {
      schemas: messageSchemas(),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{}, { token: [] }],
  };
}

function operationOf(name: string, { summary, params, body, answer, status }: AnyRoute): object {
  const { properties = {} } = z.toJSONSchema(params);
  return {
    operationId: name,
    summary,
    ...(Object.keys(properties).length === 0
      ? {}
      : {
          parameters: Object.entries(properties).map(([parameter, schema]) => ({
            name: parameter,
            in: 'path',
            required: true,
            schema,
          })),
        }),
    ...(body === NO_BODY ? {} : { requestBody: { required: true, content: json(nameOf(body)) } }),
    responses: {
      [status]: { description: 'Success', content: json(nameOf(answer)) },
      default: { description: 'The error', content: json('ErrorAnswer') },
    },
  };
}

function json(name: string): object {
  return { 'application/json': { schema: referenceTo(name) } };
}

const INTRODUCTION = `# Control API

What the \`mobyvm\` command and the dashboard ask the daemon for: HTTP/1.1 with JSON, and a WebSocket for events. It is
served at the control socket or pipe ([files.md](files.md)), to root or administrators only.
Generated from the schemas (\`npm run docs:api\`); [openapi.json](openapi.json) has the requests as an OpenAPI document.

\`\`\`sh
curl --unix-socket /run/mobyvm/control.sock http://localhost/v1/status
\`\`\`

Errors have a status from 400 on and an [ErrorAnswer](#erroranswer), whose code \`mobyvm explain\` explains:

| status | why |
| --- | --- |
| 400 | the request has wrong content, as from a command of another version |
| 401 | no token, or a wrong one; not at the control socket or pipe |
| 403 | the request comes from another web page, or under another name than the host's own; likewise |
| 404 | there is no such request |
| 409 | the request cannot be fulfilled now; the error says why, and what to do |
| 413, 415 | the body is larger than 64 KiB, or not \`application/json\` |
| 431 | the head of the request is too large |
| 500 | a bug in mobyvm |
| 503 | there are too many clients |

## Events

\`GET /v1/events\` is a WebSocket with the subprotocol \`mobyvm.v1\`. Every message is JSON. The client names the topics that
it wants, as often as it likes, with a [WatchRequest](#watchrequest); the daemon confirms with \`watching\`, sends the present
state of each new topic, and then every change ([ServerEvent](#serverevent)). It sends \`alive\` every 5 seconds, and the topic
\`stats\` every second, changed or not. A client that does not read is disconnected when 4 MiB wait for it.

\`POST /v1/operations/{name}\` answers at once. What happens is sent as \`operation\` events with the \`id\` that the client has
chosen, up to \`operation.done\` or \`operation.failed\`: watch that topic first. A client that leaves changes nothing.
`;

const SHELL = `## Shells

\`POST /v1/shell\` with \`Upgrade: mobyvm-shell\` runs a command in the VM, as root. The daemon answers with 101; after it both
sides send frames as the Docker Engine does for attached containers: the type in one byte, three zeros, the length in four
bytes (big endian, at most 1 MiB), then the content. Only the control socket or pipe has this request.

| from the client | type | content |
| --- | --- | --- |
| open | 0 | JSON: \`command\` (array of strings; empty for a login shell), \`terminal\` (\`type\`, \`columns\`, \`rows\`; optional) |
| input | 1 | bytes |
| end of input | 2 | |
| size | 3 | JSON: \`columns\`, \`rows\` |

| from the daemon | type | content |
| --- | --- | --- |
| opened | 0 | |
| output | 1 | bytes |
| error output | 2 | bytes |
| exit | 3 | JSON: \`exitCode\`; nothing follows |
| failure | 4 | an [ErrorAnswer](#erroranswer); nothing follows |
`;
