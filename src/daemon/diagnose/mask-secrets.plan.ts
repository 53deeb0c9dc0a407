/** What replaces a secret. */
export const MASK = '***';

/** A shorter one is part of too many other words to be replaced wherever it is. */
const LEAST_KNOWN = 4;

/** Words in the names of settings, variables, options and JSON members whose values are secret. */
const WORDS =
  'passw(?:or)?d|passphrase|passwd|pwd|pass(?=["\'\\\\\\s]{0,4}[:=])|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|auth(?!or)(?=[\\w.-]{0,16}["\'\\\\]{0,4}\\s{0,3}[:=])';
const REST = String.raw`[\w.-]{0,40}`;
/** In double quotes, also as JSON within JSON; in single quotes; or up to the next separator. */
const VALUE = String.raw`(?:(\\{1,7}")(?:(?!\\{1,7}").)*|(")(?:[^"\\]|\\.)*|(')[^']*|[^\s"'&,;(){}[\]<>|\\]+)`;
const NO_SECRET = /^(?:|true|false|null|undefined|none|yes|no|\d{1,2}|\*+)$/i;

const ASSIGNED = new RegExp(
  String.raw`((?:${WORDS})${REST}(?:\\{0,7}["'])?\s{0,3}[:=]\s{0,3})(${VALUE})`,
  'gi',
);
const OPTION = new RegExp(
  String.raw`(--${REST}(?:${WORDS.replaceAll(/\(\?=(?:[^()]|\([^()]*\))*\)/g, '')})${REST}[ \t]{1,4})(${VALUE})`,
  'gi',
);

/** Whole values that are secrets wherever they are, each with what stays of it. */
const PATTERNS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // Keys: PEM, also in one line of JSON.
  [/-----BEGIN ([A-Z ]{0,30})PRIVATE KEY-----[\s\S]*?(?:-----END \1PRIVATE KEY-----|$)/g, MASK],
  // Fields of HTTP, to the end of the line or string.
  [
    /((?:proxy-)?authorization|x-registry-(?:auth|config)|(?:set-)?cookie)(\\{0,7}["']?\s{0,3}[:=]\s{0,3}\\{0,7}["']?)[^\r\n"'\\]+/gi,
    `$1$2${MASK}`,
  ],
  [/\b(bearer|basic)([ \t]{1,4})[\w.~+/=-]{16,}/gi, `$1$2${MASK}`],
  // Accounts in URLs: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1.
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"'<>]{1,400}@/gi, `$1${MASK}@`],
  // user%password, as the tools of Samba take it.
  [/((?:^|\s)(?:-U|--user)[ =]?[^\s%"']{1,80}%)[^\s"']+/g, `$1${MASK}`],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, MASK],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, MASK],
  [/\b(?:gh[pousr]_|github_pat_|glpat-|dckr_[a-z]{2,4}_|npm_|xox[abposr]-|AIza|sk-)[\w-]{16,}/g, MASK],
  [/\b(?:SWMTKN|SWMKEY)-[\w-]{10,}/g, MASK],
  // Hashes of passwords: crypt(5).
  [/\$(?:[156]|2[abxy]|y|gy|7)\$[\w./$=,-]{20,}/g, MASK],
];

export interface MaskOptions {
  /** Secrets of this machine: they are replaced wherever they are, and however they are encoded. */
  readonly known: readonly string[];
}

/** Replaces the machine's own secrets, and what looks like one of another program. */
export function maskText(text: string, { known }: MaskOptions): string {
  let masked = maskKnown(text, known);
  for (const [pattern, replacement] of PATTERNS) masked = masked.replaceAll(pattern, replacement);
  for (const pattern of [ASSIGNED, OPTION])
    masked = masked.replaceAll(pattern, (whole, name: string, value: string, ...quotes: unknown[]) =>
      NO_SECRET.test(value.replaceAll(/^\\*["']|\\*["']$/g, '')) ? whole : `${name}${quoteOf(quotes)}${MASK}`,
    );
  return masked;
}

/** The opening quote stays, and so does the closing one, which is not part of what matches. */
function quoteOf(groups: readonly unknown[]): string {
  const [quote] = groups.slice(0, 3).filter((each) => typeof each === 'string');
  return quote ?? '';
}

/** As `maskText`, in every string of a value; members whose name says so lose all of theirs. */
export function maskValue(value: unknown, options: MaskOptions): unknown {
  if (typeof value === 'string') return maskText(value, options);
  if (Array.isArray(value)) return value.map((each) => maskValue(each, options));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value);
  const named: unknown = members.find(([name]) => name === 'name')?.[1];
  const isItem = typeof named === 'string' && isSecretName(named);
  return Object.fromEntries(
    members.map(([name, member]) =>
      (isSecretName(name) && isText(member)) || (isItem && name === 'value')
        ? [name, MASK]
        : [maskText(name, options), maskValue(member, options)],
    ),
  );
}

const SECRET_NAME = new RegExp(
  'passw(?:or)?d|passphrase|passwd|pwd|^pass$|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|auth$|authconfig',
  'i',
);

function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && !NO_SECRET.test(value);
}

function maskKnown(text: string, known: readonly string[]): string {
  const forms = new Set(known.filter((each) => each.length >= LEAST_KNOWN).flatMap(formsOf));
  // The longest first: one may be the beginning of another.
  return [...forms]
    .sort((one, other) => other.length - one.length)
    .reduce((masked, form) => masked.replaceAll(form, MASK), text);
}

function formsOf(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const bytes = new TextEncoder().encode(secret);
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const base64 = btoa(binary).replace(/=+$/, '');
  return [
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    encodeURIComponent(secret),
    base64,
    base64.replaceAll('+', '-').replaceAll('/', '_'),
    Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  ];
}
