import { expect, test } from 'vitest';
import type { ManagedResource } from '../../../../src/core/host/index.js';
import { MobyvmError, type Change } from '../../../../src/core/values/index.js';
import { resourceFindings } from '../../../../src/daemon/doctor/resource-findings.js';

const signal = new AbortController().signal;

function resource(plan: () => Promise<Change>, isRepaired = true): ManagedResource {
  const never = () => Promise.reject(new TypeError('doctor changes nothing'));
  const title = 'bridge mobyvm0';
  return { id: 'bridge', title, lifetime: 'machine', isRepaired, plan, ensure: never, remove: never };
}

test.each<[string, Change, boolean, object[]]>([
  ['unchanged', { kind: 'none' }, true, [{ verdict: 'fine', detail: 'as set up by mobyvm' }]],
  ['left behind', { kind: 'none' }, false, [{ verdict: 'fine', detail: 'left by an earlier daemon' }]],
  [
    'missing while the machine is up',
    { kind: 'create' },
    true,
    [{ verdict: 'problem', detail: 'missing', isFixable: true }],
  ],
  ['absent while the machine is down', { kind: 'create' }, false, []],
  [
    'changed',
    { kind: 'update', fields: ['up', 'mac'] },
    true,
    [{ verdict: 'problem', detail: 'changed: up, mac' }],
  ],
  [
    'replaced',
    { kind: 'replace', reason: 'another program changed it' },
    true,
    [{ verdict: 'problem', detail: 'another program changed it' }],
  ],
])('a resource that is %s', async (_what, change, isUp, expected) => {
  const resources = [resource(() => Promise.resolve(change))];
  expect(await resourceFindings({ resources, isUp, signal })).toMatchObject(expected);
});

test('a foreign resource is a problem with a remedy', async () => {
  const foreign = new MobyvmError('MOBYVM_FOREIGN_OBJECT', 'The bridge is not ours.', 'Choose another name.');
  const resources = [resource(() => Promise.reject(foreign))];
  expect(await resourceFindings({ resources, isUp: true, signal })).toMatchObject([
    { verdict: 'problem', detail: 'The bridge is not ours', remedy: 'Choose another name.' },
  ]);
});

test('resources that are not repaired are omitted', async () => {
  const resources = [resource(() => Promise.resolve({ kind: 'create' }), false)];
  expect(await resourceFindings({ resources, isUp: true, signal })).toEqual([]);
});

test('what was repaired within the last hour is told, and what was repaired before is not', async () => {
  const repairs = [
    { at: '2026-11-26T10:00:00.000Z', id: 'bridge', title: 'bridge mobyvm0', problem: 'missing' },
    { at: '2026-11-26T10:05:00.000Z', id: 'bridge', title: 'bridge mobyvm0', problem: 'changed: up' },
  ];
  const resources = [resource(() => Promise.resolve({ kind: 'none' }))];
  const found = (nowMs: number) => resourceFindings({ resources, isUp: true, repairs, nowMs, signal });
  const repairedMs = Date.parse('2026-11-26T10:05:00.000Z');
  expect(await found(repairedMs + 60_000)).toMatchObject([
    { verdict: 'notice', detail: 'repaired at 2026-11-26T10:05:00.000Z: it was changed: up' },
  ]);
  expect(await found(repairedMs + 3_601_000)).toMatchObject([{ verdict: 'fine' }]);
});
