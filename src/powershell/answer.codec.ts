import { z } from 'zod';
import { CodecError } from '../core/values/index.js';
import { AUTOLOAD, type PowerShellFailure } from './power-shell-error.js';
import type { FieldKind, Fields, Row } from './powershell.js';

/** Windows PowerShell may write a list as an object with a count, and a list of one as its only element. */
const uncounted = <Value extends z.ZodType>(value: Value) =>
  z.preprocess((found) => (isCountedList(found) ? found.value : found), value);
/** Printable ASCII unchanged, everything else as UTF-16 code units. */
const text = uncounted(z.union([z.string(), z.int(), z.array(z.int())])).transform((value) =>
  typeof value === 'string'
    ? value
    : [value]
        .flat()
        .map((unit) => String.fromCharCode(unit))
        .join(''),
);
const list = <Item extends z.ZodType>(item: Item) =>
  uncounted(z.union([z.array(item), item.transform((one) => [one])]));
const optional = <Value extends z.ZodType>(value: Value) =>
  value.nullish().transform((found) => found ?? undefined);

const KINDS = {
  text: optional(text),
  number: optional(z.number()),
  boolean: optional(z.boolean()),
  texts: list(text.nullable().transform((found) => found ?? '')),
  'hidden texts': list(z.string()),
  numbers: list(z.number()),
} satisfies Record<FieldKind, z.ZodType>;
const LISTS: readonly FieldKind[] = ['texts', 'hidden texts', 'numbers'];

const failureSchema = z.object({
  errorId: optional(text),
  category: optional(text),
  cause: optional(text),
  hresults: list(z.int()),
  message: optional(text),
  command: optional(text),
});
const answerSchema = z.union([
  z.object({ failure: failureSchema }),
  z.object({ rows: list(z.record(z.string(), z.unknown())) }),
]);

export type Answer<F extends Fields> =
  | { readonly kind: 'rows'; readonly rows: readonly Row<F>[] }
  | { readonly kind: 'failure'; readonly failure: PowerShellFailure };

/**
 * Decodes the answer of a session, without its mark. @throws CodecError when it is anything else
 * @param json one line
 * @param open decrypts sealed text
 */
export function decodeAnswer<F extends Fields>(
  json: string,
  fields: F,
  open: (sealed: string) => string = (sealed) => sealed,
): Answer<F> {
  const answer = answerSchema.safeParse(parsed(json));
  if (!answer.success) throw new CodecError('answer', 0, problemOf(answer.error));
  if ('failure' in answer.data) return { kind: 'failure', failure: failureOf(answer.data.failure) };
  return { kind: 'rows', rows: answer.data.rows.map((row) => decodeRow(row, fields, open)) };
}

function decodeRow<F extends Fields>(
  row: Readonly<Record<string, unknown>>,
  fields: F,
  open: (sealed: string) => string,
): Row<F> {
  const shape = Object.fromEntries(Object.entries(fields).map(([path, kind]) => [path, KINDS[kind]]));
  // An empty list may be null.
  const found = Object.fromEntries(
    Object.entries(fields).map(([path, kind]) => [
      path,
      row[path] ?? (LISTS.includes(kind) ? [] : undefined),
    ]),
  );
  const decoded = z.object(shape).safeParse(found);
  if (!decoded.success) throw new CodecError('row', 0, problemOf(decoded.error));
  const opened = Object.entries(decoded.data).map(([path, value]) => [
    path,
    fields[path] === 'hidden texts' ? z.array(z.string()).parse(value).map(open) : value,
  ]);
  return Object.fromEntries(opened) as Row<F>;
}

/**
 * .NET's codes for any exception (COR_E_EXCEPTION and the like) say nothing; Hyper-V's cmdlets report no
 * others.
 */
const GENERIC = new Set([0x8013_1500, 0x8013_1501, 0x8013_1509]);

function failureOf(failure: z.infer<typeof failureSchema>): PowerShellFailure {
  const codes = failure.hresults.map((code) => code >>> 0);
  const [errorId = ''] = (failure.errorId ?? '').split(',');
  return {
    errorId,
    // When a module cannot be loaded on demand, the reason is behind the error.
    category: (AUTOLOAD.includes(errorId) ? failure.cause : undefined) ?? failure.category ?? '',
    hresult: codes.find((code) => code !== 0 && !GENERIC.has(code)) ?? hresultIn(failure.message) ?? 0,
    message: failure.message ?? '',
    // Without its module.
    command: (failure.command ?? '').split('\\').at(-1) ?? '',
  };
}

/** The code that Windows appends in brackets to a text in any language, for example `(0x800705AA)`. */
export function hresultIn(text = ''): number | undefined {
  const [, digits] = /\(0x([0-9A-F]{8})\)/i.exec(text) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

function isCountedList(value: unknown): value is { readonly value: unknown[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'value' in value &&
    'Count' in value &&
    Array.isArray(value.value)
  );
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new CodecError('answer', 0, 'is not JSON');
  }
}

function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? 'is invalid' : `${issue.path.join('.')}: ${issue.message}`;
}
