import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { controlReference, openApiDocument } from '../../../src/protocol/control-reference.plan.js';

const read = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

test('docs/control-api.md matches the schemas (npm run docs:api)', () => {
  expect(read('control-api.md')).toBe(controlReference());
});

test('docs/openapi.json matches the schemas (npm run docs:api)', () => {
  expect(JSON.parse(read('openapi.json'))).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
});
