import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const SOURCES = resolve(import.meta.dirname, '../../../src');

/** Every file with those that it imports, types too: who reads one of a circle has to read all of them. */
async function importsOfSources(): Promise<ReadonlyMap<string, readonly string[]>> {
  const entries = await readdir(SOURCES, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
  const imports = new Map<string, readonly string[]>();
  for (const { parentPath, name } of files) {
    const text = await readFile(join(parentPath, name), 'utf8');
    const named = [...text.matchAll(/ from '(\.[^']+)\.js'/g)].map(([, path = '']) => path);
    imports.set(
      join(parentPath, name),
      named.map((path) => `${resolve(parentPath, path)}.ts`),
    );
  }
  return imports;
}

/** The first circle that is met, its first file at both ends. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const follow = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of imports.get(file) ?? []) {
      const circle = follow(next, [...path, file]);
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const circle = follow(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

test('an import cycle is found', () => {
  const imports = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', []],
    ['d', ['b']],
  ]);
  expect(circleIn(imports)).toEqual(['b', 'd', 'b']);
  expect(circleIn(new Map([...imports, ['d', ['c']]]))).toBeUndefined();
});

test('the sources have no import cycles', async () => {
  const imports = await importsOfSources();
  expect(imports.size).toBeGreaterThan(100);
  for (const [file, targets] of imports)
    for (const target of targets) expect([...imports.keys()], file).toContain(target);
  expect(circleIn(imports)?.map((file) => relative(dirname(SOURCES), file))).toBeUndefined();
});
