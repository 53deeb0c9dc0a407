import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { cmdlet, CMDLETS, cmdletEntry, guid, hashtable, secret } from '../../../src/powershell/index.js';

const ENTRIES = Object.entries(CMDLETS).map(([name]) => [name, cmdletEntry(name)!] as const);

describe('cmdlet calls', () => {
  it('are data', () => {
    expect(cmdlet('New-VMSwitch', { Name: 'mobyvm', SwitchType: 'Internal' })).toEqual({
      cmdlet: 'New-VMSwitch',
      parameters: { Name: 'mobyvm', SwitchType: 'Internal' },
    });
    expect(cmdlet('Get-VMHost')).toEqual({ cmdlet: 'Get-VMHost', parameters: {} });
  });

  it('with wrong names or values do not compile', () => {
    // @ts-expect-error there is no such cmdlet
    cmdlet('New-VMSwitches');
    // @ts-expect-error it has no such parameter
    cmdlet('New-VMSwitch', { Name: 'x', SwitchTyp: 'Internal' });
    // @ts-expect-error it is made by other parameters, not by this value
    cmdlet('New-VMSwitch', { Name: 'x', SwitchType: 'External' });
    // @ts-expect-error bytes are a number
    cmdlet('New-VM', { MemoryStartupBytes: '2GB' });
    // @ts-expect-error an enum, and not a boolean
    cmdlet('New-NetFirewallRule', { DisplayName: 'x', Enabled: true });
    // @ts-expect-error a password is no text
    cmdlet('New-LocalUser', { Name: 'x', Password: 'x' });
    expectTypeOf(cmdlet('New-LocalUser', { Name: 'x', Password: secret('x') })).toBeObject();
  });

  it('accept GUIDs with or without braces, and nothing else', () => {
    expect(guid('{2A34B1C2-FD73-4043-8A5B-DD2159BC743F}')).toEqual({
      guid: '2a34b1c2-fd73-4043-8a5b-dd2159bc743f',
    });
    for (const text of ['', '2A34B1C2', "2a34b1c2-fd73-4043-8a5b-dd2159bc743f'"])
      expect(() => guid(text)).toThrow('is not a GUID');
    expect(hashtable({ A: 1 })).toEqual({ table: { A: 1 } });
  });
});

describe('the cmdlet table', () => {
  it.each(ENTRIES)('%s: sets name only its parameters, and each parameter is in one', (_, entry) => {
    const inSets = new Set(
      Object.values(entry.sets).flatMap((names) => names.split(' ').map((name) => name.replace('!', ''))),
    );
    inSets.delete('');
    expect([...inSets].sort()).toEqual(Object.keys(entry.parameters).sort());
    for (const name of entry.input ?? []) expect(entry.parameters).toHaveProperty(name);
    if (entry.defaultSet !== undefined) expect(entry.sets).toHaveProperty([entry.defaultSet]);
  });
});

/** The published cmdlet reference as one file; it is not part of the project. */
const METADATA =
  process.env['MOBYVM_CMDLET_METADATA'] ??
  resolve(import.meta.dirname, '../../../../shared/facts/powershell-cmdlets.json');
const metadataSchema = z.object({
  cmdlets: z.record(
    z.string(),
    z.object({
      module: z.string(),
      supportsShouldProcess: z.boolean().optional(),
      parameters: z.record(
        z.string(),
        z.object({ type: z.string(), values: z.array(z.string()).optional() }),
      ),
      parameterSets: z.array(z.object({ name: z.string(), mandatory: z.array(z.string()) })),
    }),
  ),
});

describe.skipIf(!existsSync(METADATA))('in the published reference (MOBYVM_CMDLET_METADATA)', () => {
  const { cmdlets: published } = existsSync(METADATA)
    ? metadataSchema.parse(JSON.parse(readFileSync(METADATA, 'utf8')))
    : { cmdlets: {} };

  it.each(ENTRIES)('%s has the right module, parameters, values and mandatory parameters', (name, entry) => {
    const reference = published[name];
    expect(reference?.module).toBe(entry.module);
    expect(reference?.supportsShouldProcess ?? false).toBe(entry.confirms);
    for (const [parameter, kind] of Object.entries(entry.parameters)) {
      expect(reference?.parameters[parameter], parameter).toBeDefined();
      const values = reference?.parameters[parameter]?.values;
      if (values !== undefined) expect(kind, parameter).toEqual(values);
    }
    for (const [set, names] of Object.entries(entry.sets)) {
      const found = reference?.parameterSets.find((each) => [each.name, 'all'].includes(set));
      const mandatory = names.split(' ').filter((each) => each.endsWith('!'));
      expect(mandatory.map((each) => each.slice(0, -1)).sort(), set).toEqual(
        [...(found?.mandatory ?? [])].sort(),
      );
    }
  });
});

it.runIf(!existsSync(METADATA))(
  'NOT COMPARED with the published reference: MOBYVM_CMDLET_METADATA names no file',
  () => {
    expect(existsSync(METADATA)).toBe(false);
  },
);
