import { describe, expect, test } from 'vitest';
import { causesFirst } from '../../../../src/daemon/doctor/causes.plan.js';
import type { Finding } from '../../../../src/daemon/doctor/finding.js';

const found = (id: string, verdict: Finding['verdict'], more: Partial<Finding> = {}): Finding => ({
  ...{ id, title: `Title of ${id}`, verdict, detail: `state of ${id}` },
  ...((verdict === 'problem' || verdict === 'notice') && { remedy: `remedy of ${id}` }),
  ...more,
});
const shortly = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ id, verdict }) => `${id} ${verdict}`);

describe('findings', () => {
  test('are put with problems first, and among equals in the order in which they were looked for', () => {
    const all = [
      found('tun', 'fine'),
      found('kvm', 'notice'),
      found('image', 'problem'),
      found('dns', 'problem'),
    ];
    expect(shortly(causesFirst(all))).toEqual(['image problem', 'dns problem', 'kvm notice', 'tun fine']);
  });

  test('that follow from a problem are unknown, and say because of what', () => {
    const [vm, engine] = causesFirst([found('engine', 'problem'), found('vm', 'problem')]);
    expect(vm).toMatchObject({ id: 'vm', verdict: 'problem' });
    expect(engine).toEqual({
      id: 'engine',
      title: 'Title of engine',
      verdict: 'unknown',
      detail: 'could not be checked because of "Title of vm": state of vm',
      remedy: 'Fix "Title of vm" first.',
    });
  });

  test('name the first cause of a chain', () => {
    const chain = ['clock', 'engine', 'kvp', 'vm', 'disk'].map((id) => found(id, 'problem'));
    const [first, ...rest] = causesFirst(chain);
    expect(first?.id).toBe('disk');
    for (const { verdict, detail } of rest) {
      expect(verdict).toBe('unknown');
      expect(detail).toContain('because of "Title of disk"');
    }
  });

  test('that are fine stay fine, whatever else is wrong', () => {
    expect(shortly(causesFirst([found('vm', 'problem'), found('shares', 'fine')]))).toEqual([
      'vm problem',
      'shares fine',
    ]);
  });

  test('of which none explains the other stay problems', () => {
    const both = [found('network-forwarding', 'problem'), found('dns', 'problem')];
    expect(shortly(causesFirst(both))).toEqual(['network-forwarding problem', 'dns problem']);
  });

  test('that could not be made for want of rights, settings or PowerShell name that', () => {
    for (const id of ['root', 'settings', 'powershell']) {
      const [, second] = causesFirst([found('firewall', 'unknown'), found(id, 'problem')]);
      expect(second).toMatchObject({ id: 'firewall', remedy: `Fix "Title of ${id}" first.` });
    }
    expect(shortly(causesFirst([found('firewall', 'problem'), found('settings', 'problem')]))).toEqual([
      'firewall problem',
      'settings problem',
    ]);
  });

  test('have a remedy unless they are fine', () => {
    const unseen = found('nat', 'unknown');
    expect(causesFirst([unseen])[0]?.remedy).toContain('mobyvm diagnose');
    expect(causesFirst([found('rights', 'notice'), unseen])[0]?.remedy).toBe('remedy of rights');
    expect(causesFirst([found('tun', 'fine')])[0]).not.toHaveProperty('remedy');
  });
});
