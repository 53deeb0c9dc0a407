import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ERROR_CODES } from '../../../src/core/values/index.js';
import { statesPage } from '../../../src/daemon/machine/states-page.plan.js';
import { settingsReference } from '../../../src/daemon/settings/reference.js';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
}

const sources = filesBelow('src', '.ts');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...filesBelow('docs', '.md'),
  ...filesBelow('guest', '.md'),
];

describe('docs/errors.md', () => {
  const sections = read('docs/errors.md').split(/^## /m).slice(1);

  test('has one section for each code, and no other', () => {
    expect(sections.map((section) => section.split('\n')[0]).sort()).toEqual([...ERROR_CODES].sort());
  });

  test.each(sections.map((section) => [section.split('\n')[0] ?? '', section]))(
    '%s says how to fix it',
    (_code, section) => {
      expect(section).toContain('Fix: ');
    },
  );

  test('every code is used', () => {
    const text = sources
      .filter((path) => !path.endsWith('error-codes.ts'))
      .map(read)
      .join('\n');
    expect(ERROR_CODES.filter((code) => !text.includes(`'${code}'`))).toEqual([]);
  });
});

test('docs/settings.md matches the schema (npm run docs:settings)', () => {
  expect(read('docs/settings.md')).toBe(settingsReference());
});

test('docs/states.md matches the table of transitions (npm run docs:states)', () => {
  expect(read('docs/states.md')).toBe(statesPage());
});

test('docs/dependencies.md gives a reason for each dependency, and lists no other', () => {
  const { dependencies, devDependencies } = z
    .looseObject({
      dependencies: z.record(z.string(), z.string()),
      devDependencies: z.record(z.string(), z.string()),
    })
    .parse(JSON.parse(read('package.json')));
  const listed = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` +\|/gm)].map((match) => match[1]);
  expect(listed.sort()).toEqual([...Object.keys(dependencies), ...Object.keys(devDependencies)].sort());
  for (const version of [...Object.values(dependencies), ...Object.values(devDependencies)])
    expect(version).toMatch(/^\d/);
});

describe('docs/glossary.md', () => {
  const rows = read('docs/glossary.md')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, term = '', , where = '']) => [term, where] as const);

  test('defines terms', () => {
    expect(rows.length).toBeGreaterThan(20);
  });

  test.each(rows)('says where %s is defined', (_term, where) => {
    const [, path = '', identifier = ''] = /^`([^`]+)` `(\w+)`$/.exec(where) ?? [];
    expect(sources, where).toContain(path);
    expect(new RegExp(`^export .*\\b${identifier}\\b`, 'm').test(read(path)), where).toBe(true);
  });
});

test.each(documents)('%s links only to what exists', (path) => {
  const links = [...read(path).matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1] ?? '');
  const broken = links.filter((link) => {
    try {
      statSync(join(root, dirname(path), link));
      return false;
    } catch {
      return true;
    }
  });
  expect(broken).toEqual([]);
});

test('docs/architecture.md names only files and folders that exist', () => {
  const named = [...read('docs/architecture.md').matchAll(/`((?:src|test|guest|docs|scripts)\/[^`*]+)`/g)];
  expect(named.length).toBeGreaterThan(20);
  const missing = named.flatMap(([, path = '']) => (existsSync(join(root, path)) ? [] : [path]));
  expect(missing).toEqual([]);
});

describe('the code base', () => {
  test.each(sources.filter((path) => path.endsWith('.codec.ts')))('%s has property tests', (path) => {
    const name = path.split('/').at(-1)?.replace('.ts', '.js') ?? '';
    const tests = filesBelow('test', '.test.ts')
      .map(read)
      .filter((text) => text.includes(name));
    expect(tests.length, `no test imports ${name}`).toBeGreaterThan(0);
    const text = tests.join('\n');
    expect(text).toMatch(/fc\.(assert|property)/);
  });

  test('file names are kebab-case and say what is in them', () => {
    const odd = sources
      .map((path) => relative('src', path))
      .filter(
        (path) =>
          !path.split('/').every((part) => /^[a-z0-9]+(-[a-z0-9]+)*(\.(codec|plan))?(\.ts)?$/.test(part)) ||
          /utils|helpers|manager|common|misc/.test(path),
      );
    expect(odd).toEqual([]);
  });
});
