import { describe, expect, test } from 'vitest';
import {
  planNameRules,
  serversByRule,
  type StoredNameRule,
} from '../../../../src/windows/net/name-rules.plan.js';

const VPN: StoredNameRule = { names: ['.Corp.example'], servers: '192.0.2.1; 192.0.2.2', options: 8 };

describe('rules for names', () => {
  test('have the servers that they name', () => {
    expect(planNameRules([], [VPN])).toEqual([
      { names: ['.corp.example'], servers: ['192.0.2.1', '192.0.2.2'] },
    ]);
  });

  test('of a group policy replace the others', () => {
    const policy = { names: ['.policy.example'], servers: '192.0.2.9', options: 8 };
    expect(planNameRules([policy], [VPN]).map(({ names }) => names)).toEqual([['.policy.example']]);
  });

  test.each([
    ['for DNSSEC', { ...VPN, options: 2 }],
    ['without servers', { ...VPN, servers: ' ; ' }],
    ['without anything', { names: undefined, servers: undefined, options: undefined }],
  ])('%s are left out', (_what, rule) => {
    expect(planNameRules([], [rule])).toEqual([]);
  });

  test.each([
    ['www.corp.example', 'suffix'],
    ['corp.example', 'suffix'],
    ['notcorp.example', 'all'],
    ['host.lab.corp.example', 'longer suffix'],
    ['printer.corp.example', 'exact'],
    ['a.printer.corp.example', 'suffix'],
    ['example.org', 'all'],
  ])('for %s the best one is the %s', (name, expected) => {
    const rules = [
      { names: ['.'], servers: ['all'] },
      { names: ['.corp.example', '.other.example'], servers: ['suffix'] },
      { names: ['.lab.corp.example'], servers: ['longer suffix'] },
      { names: ['printer.corp.example'], servers: ['exact'] },
    ];
    expect(serversByRule(rules, name)).toEqual([expected]);
  });

  test('that do not fit leave the name to the usual servers', () => {
    expect(serversByRule(planNameRules([], [VPN]), 'example.org')).toBeUndefined();
  });
});
