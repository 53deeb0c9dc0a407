import { describe, expect, it } from 'vitest';
import { HypervKvpExchange } from '../../../../src/kvp/index.js';
import { ScriptedWmi } from '../../../support/kvp-wmi.js';
import { NEVER } from '../../../support/kvp-harness.js';

const items = (...names: string[]) => names.map((name) => ({ name, value: `value of ${name}` }));
const methods = (wmi: ScriptedWmi): string[] =>
  wmi.calls.map(({ method, names }) => `${method} ${names.join(' ')}`);
const started = (jobError: number) => ({ returnValue: 4_096, jobState: 10, jobError });

describe('the Hyper-V exchange', () => {
  it('adds several items in one call', async () => {
    const wmi = new ScriptedWmi();
    await new HypervKvpExchange(wmi).set(items('a', 'b'), NEVER);
    expect(methods(wmi)).toEqual(['add a b']);
  });

  it.each([32_773, 32_779])('modifies an existing key (a missing one is %i)', async (missingCode) => {
    const wmi = new ScriptedWmi();
    wmi.missingCode = missingCode;
    const exchange = new HypervKvpExchange(wmi);
    await exchange.set(items('b'), NEVER);
    await exchange.set(items('a', 'b', 'c'), NEVER);
    await exchange.set(items('b'), NEVER);
    expect(methods(wmi)).toEqual(['add b', 'add a b c', 'read ', 'modify b', 'add a c', 'add b', 'modify b']);
  });

  it('tries each item separately if a stopped machine cannot tell which exist', async () => {
    const wmi = new ScriptedWmi();
    wmi.isRunning = false;
    const exchange = new HypervKvpExchange(wmi);
    await exchange.set(items('b'), NEVER);
    await exchange.set(items('a', 'b'), NEVER);
    expect(methods(wmi).slice(1)).toEqual(['add a b', 'read ', 'add a', 'add b', 'modify b']);
  });

  it('removes existing items although others are missing', async () => {
    const wmi = new ScriptedWmi();
    const exchange = new HypervKvpExchange(wmi);
    await exchange.set(items('a', 'b'), NEVER);
    await exchange.remove(['a', 'missing', 'b'], NEVER);
    expect([...wmi.host]).toEqual([]);
  });

  it('overwrites secrets before it removes them, and removes them in any case', async () => {
    const wmi = new ScriptedWmi();
    const exchange = new HypervKvpExchange(wmi);
    await exchange.set([{ name: 'password', value: 'swordfish', secret: true }], NEVER);
    await exchange.remove(['password'], NEVER);
    expect(methods(wmi)).toEqual(['add password', 'modify password', 'remove password']);
    await exchange.remove(['mobyvm.config', 'mobyvm.config#0'], NEVER);
    expect([...wmi.host]).toEqual([]);
  });

  it('sends at most 128 items in a call', async () => {
    const wmi = new ScriptedWmi();
    await new HypervKvpExchange(wmi).set(
      items(...Array.from({ length: 130 }, (_, index) => `n${index}`)),
      NEVER,
    );
    expect(wmi.calls.map(({ names }) => names.length)).toEqual([128, 2]);
  });

  it('retries while the guest is not ready, and modifies items that the first attempt stored', async () => {
    const wmi = new ScriptedWmi();
    wmi.scripted.push(() => {
      wmi.host.set('a', 'stored all the same');
      return { ...started(32_768), jobHResult: 0x8007_10df };
    });
    await new HypervKvpExchange(wmi).set(items('a'), NEVER);
    expect(methods(wmi)).toEqual(['add a', 'add a', 'modify a']);
    expect(wmi.host.get('a')).toBe('value of a');
  });

  it.each([
    ['access is denied', { returnValue: 32_769 }],
    ['access is denied', started(32_769)],
    ['invalid state', { returnValue: 32_775 }],
    ['out of memory', started(32_778)],
    ['code 4096, the job has not ended', { returnValue: 4_096, jobState: 4 }],
    ['job error 7', started(7)],
    ['0x80070057', { returnValue: 32_768, jobHResult: -2_147_024_809 }],
  ])('reports "%s" for the matching return code', async (text, result) => {
    const wmi = new ScriptedWmi();
    wmi.scripted.push(result);
    await expect(new HypervKvpExchange(wmi).set(items('a'), NEVER)).rejects.toMatchObject({
      code: 'MOBYVM_KVP_FAILED',
      message: expect.stringContaining(text) as string,
    });
  });

  it('gives up on an item that can be neither added nor modified', async () => {
    const wmi = new ScriptedWmi();
    wmi.scripted.push(started(32_773), started(32_779));
    await expect(new HypervKvpExchange(wmi).set(items('a'), NEVER)).rejects.toThrow(
      'neither added nor modified',
    );
  });

  it('counts guest texts that are not items', async () => {
    const wmi = new ScriptedWmi();
    wmi.setGuestItem('fine', 'v');
    wmi.oddTexts.push('<!DOCTYPE x>', '', '<INSTANCE CLASSNAME="Other"></INSTANCE>', '<a>'.repeat(100_000));
    const { items: found, unreadable } = await new HypervKvpExchange(wmi).list('guest', NEVER);
    expect(found.map(({ name }) => name)).toEqual(['fine']);
    expect(unreadable).toBe(4);
  });
});
