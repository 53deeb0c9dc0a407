import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
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
  'as it should be',
  'of its own accord',
  '(finds?|has|have|is|be) (no )?room',
  'without a word',
  '(of|by|than) ours(?!\\))',
  'of others',
  '(any|some)body',
  '(tells?|hears?) of',
  '(takes?|taking) away',
  '(go|goes|went|going) on',
  '(look|looks|looked) whether',
  'broke off',
  'for ever',
  'what is no',
  'acted upon',
  'worked off',
  'puts? aside',
];

/** The words of a phrase may be on two lines, of a comment too. */
const GAP = String.raw`\s+(?:(?:\*|//|#)\s+)?`;
const pattern = new RegExp(`\\b(${TRANSLATED.join('|').replaceAll(' ', GAP)})\\b`, 'gi');

/** Programs and scripts without an ending too. Not this file, which has the words. */
function filesBelow(folder: string, isText: (name: string) => boolean = () => true): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isText(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => path !== relative(root, import.meta.filename));
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
  expect(hitsIn('a.sh', '# The log goes\n# on.\n')).toEqual(['a.sh:1: goes\n# on']);
});

test('a word within another word is no hit', () => {
  expect(hitsIn('a.md', 'amended, recommended, renewed')).toEqual([]);
});

test('documents, sources and tests are in plain English', () => {
  const paths = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    ...filesBelow('docs'),
    ...filesBelow('bench'),
    ...filesBelow('src'),
    ...filesBelow('guest'),
    ...filesBelow('scripts'),
    ...filesBelow('bin'),
    ...filesBelow('test', (name) => /\.(ts|mjs|sh|c|s|cs|psm1)$/.test(name)),
  ];
  expect(paths.flatMap((path) => hitsIn(path, readFileSync(join(root, path), 'utf8')))).toEqual([]);
});
