import type { z } from 'zod';

/** The names of settings end with their unit. */
const UNITS: readonly (readonly [ending: string, unit: string])[] = [
  ['MiB', ' of MiB'],
  ['GiB', ' of GiB'],
  ['Bytes', ' of bytes'],
  ['Seconds', ' of seconds'],
];

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** What a setting must be, completing a sentence that begins with its name. */
export function problemText(issue: z.core.$ZodIssue): string {
  const name = String(issue.path.at(-1) ?? '');
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${typeText(issue.expected, name)}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_big':
      return `must ${sizeText(issue.origin)} at most ${issue.maximum}${sizeUnit(issue.origin)}`;
    case 'too_small':
      return `must ${sizeText(issue.origin)} at least ${issue.minimum}${sizeUnit(issue.origin)}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    // What is wrong with a name of the user's own, such as a domain.
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

function typeText(expected: string, name: string): string {
  if (!['number', 'int'].includes(expected)) return TYPES[expected] ?? expected;
  const unit = UNITS.find(([ending]) => name.endsWith(ending))?.[1] ?? '';
  return `a whole number${unit}, without quotes and without a unit`;
}

function sizeText(origin: string): string {
  return ['string', 'array'].includes(origin) ? 'have' : 'be';
}

function sizeUnit(origin: string): string {
  return { string: ' characters', array: ' entries' }[origin] ?? '';
}
