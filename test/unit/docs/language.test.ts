import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

/** Words that no native author would write; each has a plainer one. */
const TRANSLATED = [
  'anew',
  'mend(s|ed|ing)?',
  'told of',
  '(stands?|stood|standing) still',
  '(stands?|stood|standing) in the way',
  'what helps',
  'already at it',
  '(go|goes|went|going) on with',
  'as it should be',
  'of its own accord',
  '(finds?|has|have|is|be) (no )?room',
  'without a word',
];

/** The words of a phrase may be on two lines, of a comment too. */
const GAP = String.raw`\s+(?:(?:\*|//)\s+)?`;
const pattern = new RegExp(`\\b(${TRANSLATED.join('|').replaceAll(' ', GAP)})\\b`, 'gi');

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
}

/** Each as `file:line: words`. */
function hitsIn(path: string, text: string): string[] {
  return [...text.matchAll(pattern)].map(
    ({ index, 0: words }) => `${path}:${text.slice(0, index).split('\n').length}: ${words}`,
  );
}

test('a hit is reported with its file and line, also when it is split over two lines', () => {
  expect(hitsIn('a.md', 'one\nIt is made ANEW.\n')).toEqual(['a.md:2: ANEW']);
  expect(hitsIn('a.ts', '/**\n * The machine stands\n * still.\n */')).toEqual(['a.ts:2: stands\n * still']);
});

test('a word within another word is no hit', () => {
  expect(hitsIn('a.md', 'amended, recommended, renewed')).toEqual([]);
});

test('documents and sources are in plain English', () => {
  const paths = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'guest/README.md',
    ...filesBelow('docs', '.md'),
    ...filesBelow('bench', '.md'),
    ...filesBelow('src', '.ts'),
  ];
  expect(paths.flatMap((path) => hitsIn(path, readFileSync(join(root, path), 'utf8')))).toEqual([]);
});
