import { MobyvmError } from '../core/values/index.js';
import type { Hidden, ParameterValue } from './call.js';

/** A value that a literal can express. Secrets and the output of other cmdlets are up to the renderer. */
export type LiteralValue = Exclude<
  ParameterValue,
  { readonly secret: string } | { readonly hidden: string } | { readonly cmdlet: string }
>;

/**
 * A value as PowerShell reads it, in printable ASCII and on one line: whatever the code page of its console
 * is, and as an argument as well as within an expression. Only single-quoted text, `[char]` numbers, and
 * casts to core types are used, so that it holds in Constrained Language Mode; and neither Unicode quotes nor
 * `$` nor backticks mean anything in it. See about_Quoting_Rules and about_Language_Modes.
 * @throws MobyvmError MOBYVM_BUG for numbers that are not finite or not exact, and for invalid dates
 */
export function encodeLiteral(value: LiteralValue, nested: (value: ParameterValue) => string): string {
  if (typeof value === 'string') return textLiteral(value);
  if (typeof value === 'number') return numberLiteral(value);
  if (typeof value === 'boolean') return value ? '$true' : '$false';
  if (value instanceof Date) return dateLiteral(value);
  if (isList(value)) return `@(${value.map(nested).join(',')})`;
  if ('guid' in value) return textLiteral(value.guid);
  const entries = Object.entries(value.table).map(([key, each]) => `${textLiteral(key)}=${nested(each)}`);
  return `@{${entries.join(';')}}`;
}

/** For text alone: property names, keys. */
export function textLiteral(text: string): string {
  // Printable ASCII in quotes, everything else (quotes of Unicode and lone surrogates too) as UTF-16 code
  // units.
  const runs = text.match(/[ -~]+|[^ -~]/g) ?? [];
  const parts = runs.flatMap((run) =>
    /^[ -~]/.test(run) ? [`'${run.replaceAll("'", "''")}'`] : unitsOf(run).map((unit) => `[char]${unit}`),
  );
  const [only] = parts;
  if (only === undefined) return "''";
  return parts.length === 1 && only.startsWith("'") ? only : `(-join(${parts.join(',')}))`;
}

function unitsOf(run: string): number[] {
  return Array.from({ length: run.length }, (_, index) => run.charCodeAt(index));
}

function numberLiteral(value: number): string {
  const isExact = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (!isExact) throw new MobyvmError('MOBYVM_BUG', `${value} cannot be written exactly in PowerShell.`, '');
  // An argument that begins with a minus sign would be taken for a parameter.
  const text = Number.isInteger(value) ? value.toFixed(0) : String(value);
  return value < 0 || Object.is(value, -0) ? `(${text})` : text;
}

function dateLiteral(value: Date): string {
  if (Number.isNaN(value.getTime())) throw new MobyvmError('MOBYVM_BUG', 'The date is invalid.', '');
  return `([datetime]'${value.toISOString()}')`;
}

function isList(value: LiteralValue): value is readonly (string | number | Hidden)[] {
  return Array.isArray(value);
}
