import { mutate, type Random } from '../mutate.js';

/** The same requests for both ways, on one connection. They differ only where paths of the host are meant. */
export interface Case {
  readonly straight: Buffer;
  readonly through: Buffer;
  readonly methods: readonly string[];
}

/** Stands for the name of what is created; each way gets one of its own. */
export const NAME = 'fuzz-name-';

interface Part {
  readonly method: string;
  readonly straight: string;
  readonly through: string;
}

const PATHS = [
  '/_ping',
  '/version',
  '/containers/json',
  '/containers/nosuch/json',
  '/containers/nosuch/start',
  '/containers/a/b/json',
  '/containers/create',
  '/volumes/nosuch',
  '/volumes/create',
  '/networks/create',
  '/services/create',
  '/exec/nosuch/start',
  '/plugins/nosuch/json',
  '/images/nosuch/json',
  '/nosuch',
];
const VERSIONS = [
  '',
  '',
  '/v1.41',
  '/v1.24',
  '/v1.23',
  '/v1.11',
  '/v9.9',
  '/v01.41',
  '/V1.41',
  '/v1.41.1',
  '/v',
];
const METHODS = ['GET', 'GET', 'GET', 'POST', 'POST', 'HEAD', 'DELETE', 'OPTIONS', 'get', 'PUT', 'PRI'];
const PREFIXES = [
  '',
  '',
  '',
  '',
  'http://d',
  'HTTP://u:p@d:80',
  'http:',
  'foo://',
  'http:///',
  '/',
  '/./',
  '/x/..',
  '/%2e',
  '%2F',
];
const QUERIES = ['', '', '', '?', '?all=0', '?limit=%31', '?x=//..//%2F', '?a;b', '?%zz', '?x#y', '#x'];
const FIELDS = [
  'User-Agent: fuzz',
  'X:',
  'X-A:\tb ',
  ': x',
  'X-Long: '.padEnd(3_000, 'l'),
  'X-Fold: a\r\n b\r\n\tc',
  'X-Latin: \xe4\xf6',
  'X Y: z',
  'X : y',
  'no colon',
  'X: a\rb',
  'X: a\0b',
  'Host: second',
  'Connection: keep-alive',
  'Expect: 100-continue',
  'Expect: something',
  'Trailer: X',
  'Upgrade: h2c',
  'Accept-Encoding: gzip',
];
const LINE_ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n'];
const HTTP_VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
];
/** Inserted by mutations. */
const TOKENS = [
  '\r\n',
  '\n',
  '\r',
  ' ',
  ':',
  '/',
  '%',
  '%2f',
  '{',
  '}',
  '"',
  '0',
  'Content-Length: 2\r\n',
  '\0',
  '\xff',
];

/** Returns one to four requests, the last of which closes the connection. */
export function generate(random: Random, index: number): Case {
  const count = 1 + random.below(4);
  const parts = Array.from({ length: count }, (_, at) => part(random, { isLast: at === count - 1, index }));
  const methods = parts.map(({ method }) => method);
  const straight = Buffer.from(parts.map((each) => each.straight).join(''), 'latin1');
  const through = Buffer.from(parts.map((each) => each.through).join(''), 'latin1');
  if (!random.chance(8) || !straight.equals(through)) return { straight, through, methods };
  const changed = mutate(
    random,
    [straight],
    TOKENS.map((token) => Buffer.from(token, 'latin1')),
  );
  return { straight: changed, through: changed, methods };
}

function part(random: Random, { isLast, index }: { readonly isLast: boolean; readonly index: number }): Part {
  const isPlain = !random.chance(4);
  const method = random.pick(isPlain ? METHODS.slice(0, 5) : METHODS);
  const version = isPlain ? 'HTTP/1.1' : random.pick(HTTP_VERSIONS);
  const path = random.pick(PATHS);
  const target =
    random.pick(isPlain ? PREFIXES.slice(0, 6) : PREFIXES) + random.pick(VERSIONS) + spelled(random, path);
  const lineEnd = isPlain ? '\r\n' : random.pick(LINE_ENDS);
  const lines = [`${method} ${target}${random.pick(QUERIES)} ${version}`];
  if (!random.chance(20)) lines.push('Host: d');
  for (let left = random.below(isPlain ? 2 : 5); left > 0; left -= 1) lines.push(random.pick(FIELDS));
  if (isLast) lines.push('Connection: close');
  const hasBody = method === 'POST' || random.chance(10);
  const content = hasBody ? bodyFor(random, path, index) : { straight: '', through: '' };
  if (hasBody && !random.chance(20)) lines.push('Content-Type: application/json');
  const framing = hasBody ? random.below(isPlain ? 6 : 16) : -1;
  const whole = (body: string): string => {
    const { fields, text } = framed(framing, body);
    return [...lines, ...fields, '', ''].join(lineEnd) + text;
  };
  return { method, straight: whole(content.straight), through: whole(content.through) };
}

/** The path in another spelling now and then. */
function spelled(random: Random, path: string): string {
  switch (random.below(12)) {
    case 0:
      return path.replaceAll(/[a-z]/g, (letter) =>
        random.chance(4) ? `%${letter.charCodeAt(0).toString(16)}` : letter,
      );
    case 1:
      return path.replaceAll('/', () => random.pick(['/', '/', '//', '/./', '%2f', '/x/../']));
    case 2:
      return `${path}${random.pick(['/', '/.', '%20', '%00', '%0a', '%zz', ';x', '%3f'])}`;
    default:
      return path;
  }
}

/** Ways to state the length of a body, right and wrong. */
function framed(
  framing: number,
  body: string,
): { readonly fields: readonly string[]; readonly text: string } {
  const length = `Content-Length: ${body.length}`;
  const CHUNKED = 'Transfer-Encoding: chunked';
  const chunks = (size: number, line: (length: number) => string): string =>
    `${[...body.matchAll(new RegExp(`[^]{1,${size}}`, 'g'))].map(([piece]) => `${line(piece.length)}${piece}\r\n`).join('')}0\r\n\r\n`;
  const plain = (bytes: number): string => `${bytes.toString(16)}\r\n`;
  switch (framing) {
    case -1:
      return { fields: [], text: '' };
    case 3:
      return { fields: [CHUNKED], text: chunks(7, plain) };
    case 4:
      return { fields: [CHUNKED], text: chunks(1, (bytes) => `000${bytes.toString(16)};a=b\r\n`) };
    case 5:
      return { fields: [length, 'Expect: 100-continue'], text: body };
    case 6:
      return { fields: [length, length], text: body };
    case 7:
      return { fields: [length, CHUNKED], text: chunks(5, plain) };
    case 8:
      return { fields: ['Transfer-Encoding: gzip, chunked'], text: chunks(5, plain) };
    case 9:
      return { fields: ['Content-Length: +2'], text: body };
    case 10:
      return { fields: [length.replace(': ', ':\r\n ')], text: body };
    case 11:
      return { fields: [`Content-Length: ${body.length}`, `Content-Length: ${body.length + 1}`], text: body };
    case 12:
      return { fields: [CHUNKED], text: chunks(9, (bytes) => `${bytes.toString(16)} \t\n`) };
    case 13:
      return { fields: [CHUNKED], text: chunks(9, (bytes) => `${bytes.toString(16)} ;x\r\n`) };
    case 14:
      return {
        fields: ['transfer-encoding:chunked'],
        text: chunks(9, plain).replace(/\r\n$/, 'A: b\r\n\r\n'),
      };
    default:
      return { fields: [length], text: body };
  }
}

interface Content {
  readonly straight: string;
  readonly through: string;
}

/** Paths of the VM, and how a user of Windows writes them. */
const SITES = [
  ['/C/site', 'C:\\\\site'],
  ['/C/site', 'c:/site'],
  ['/C/site/a b', 'C:\\\\site\\\\a b'],
  ['/C/site', '/c/site'],
  ['/var/run/docker.sock', '//./pipe/docker_engine'],
  ['/var/run/docker.sock', '\\\\\\\\.\\\\pipe\\\\docker_engine'],
  ['/var/run/docker.sock', '//var/run/docker.sock'],
  ['/srv', '/srv'],
  ['vol', 'vol'],
] as const;

function bodyFor(random: Random, path: string, index: number): Content {
  const name = `${NAME}${index}-${random.below(1_000_000)}`;
  const [guest, host] = random.pick(SITES);
  // Creating a container takes the engine long; most fail, but only after their mounts were looked at.
  const image = random.chance(25) ? 'mobyvm-test/busybox' : 'nosuch';
  const options = random.pick([':ro', ':rw,z', ':bad', '']);
  const make = (site: string): string => {
    if (path === '/volumes/create')
      return `{"Name":"${name}","Labels":{"x":"${guest}"},"DriverOpts":{"type":"none","o":"bind","device":"${site}"}}`;
    if (path === '/services/create')
      return `{"Name":"x","TaskTemplate":{"ContainerSpec":{"Image":"i","Mounts":[{"Type":"bind","Source":"${site}","Target":"/x"}]}}}`;
    return `{"Image":"${image}","Cmd":["true"],"Labels":{"x":"y"},"HostConfig":{"Binds":["${site}:/x${options}"]},"New":1.0e2}`;
  };
  const edits = random.chance(3) ? spellings(random) : (text: string): string => text;
  return { straight: edits(make(guest)), through: edits(make(host)) };
}

/** A change of the JSON that means the same to the engine, or is an error. */
function spellings(random: Random): (text: string) => string {
  const at = random.below(1_000);
  const change = random.below(12);
  return (text) => {
    switch (change) {
      case 0:
        return text.replace('Binds', 'bind\xc5\xbf').replace('DriverOpts', 'DriverOpt\xc5\xbf');
      case 1:
        return text.replace('Binds', '\\u0042INDS').replace('Mounts', 'mountS');
      case 2:
        return `${text} and text`;
      case 3:
        return ` \n${text}\t`;
      case 4:
        return text.replace('{', `{"deep":${'['.repeat(at * 12)}${']'.repeat(at * 12)},`);
      case 5:
        // Outside of the path, whose spellings differ in length: both ways get the same part.
        return at % 2 === 0 ? text.slice(0, at % 40) : text.slice(0, -(1 + (at % 20)));
      case 6:
        return text
          .replace('"HostConfig":{', '"')
          .replace(/\]\},"New/, '],"New')
          .replace('"Binds', 'Binds');
      case 7:
        return text.replace('{', '{"Image":"x","image":"y","Unknown":{"Binds":["/C/x:/y"]},');
      case 8:
        return text.replace('"bind","Source', '"","Source').replace('"none"', '"tmpfs"');
      case 9:
        return text.replace('"Labels"', '"Binds":null,"Labels"');
      case 10:
        return text.replaceAll('"', "'");
      default:
        return `[${text}]`;
    }
  };
}
