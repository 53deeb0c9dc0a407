import { describe, expect, it } from 'vitest';
import { parseMac } from '../../src/core/values/index.js';
import {
  applyConfiguration,
  askGuest,
  decodeGuestConfiguration,
  encodeShareRequest,
  removeLeftRequests,
  shareRequestName,
  waitForItem,
  type KvpItem,
  type MountRequest,
} from '../../src/kvp/index.js';
import { FakeAgent, type AgentAnswer } from '../support/kvp-fake/index.js';
import { decodeShareRequest } from '../../src/kvp/guest/share-request.codec.js';
import { INTRINSIC, NEVER, until, type KvpHarness } from '../support/kvp-harness.js';

type Make = () => Promise<KvpHarness>;

/** What every KVP exchange has to do, whatever stands behind it. */
export function describeKvpExchange(name: string, make: Make): void {
  describe(`${name} keeps to the KVP exchange contract`, () => {
    describeHostItems(make);
    describeLimits(make);
    describeGuestItems(make);
    describeReadiness(make);
    describeRequests(make);
  });
}

const shown = (items: readonly KvpItem[]): Record<string, string> =>
  Object.fromEntries(items.map(({ name, value }) => [name, value]));

function describeHostItems(make: Make): void {
  describe('items of the host', () => {
    it('reach the guest and are listed by name', async () => {
      await using kvp = await make();
      await kvp.exchange.set([{ name: 'b', value: '2' }], NEVER);
      await kvp.exchange.set([{ name: 'a', value: '1' }], NEVER);
      expect(await kvp.exchange.list('host', NEVER)).toEqual({
        items: [
          { name: 'a', value: '1', isSecret: false },
          { name: 'b', value: '2', isSecret: false },
        ],
        unreadable: 0,
      });
      expect(kvp.guest.hostItems()).toContainEqual({ name: 'b', value: '2' });
    });

    it('are replaced when they are set again, and setting the same changes nothing', async () => {
      await using kvp = await make();
      const two = [
        { name: 'a', value: '1' },
        { name: 'b', value: '2' },
      ];
      await kvp.exchange.set(two, NEVER);
      await kvp.exchange.set(two, NEVER);
      await kvp.exchange.set(
        [
          { name: 'c', value: '3' },
          { name: 'a', value: 'new' },
        ],
        NEVER,
      );
      const { items } = await kvp.exchange.list('host', NEVER);
      expect(shown(items)).toEqual({ a: 'new', b: '2', c: '3' });
    });

    it('are gone after their removal, which can be repeated', async () => {
      await using kvp = await make();
      await kvp.exchange.remove(['never'], NEVER);
      await kvp.exchange.set(
        [
          { name: 'a', value: '1' },
          { name: 'b', value: '2' },
        ],
        NEVER,
      );
      await kvp.exchange.remove(['a', 'missing'], NEVER);
      await kvp.exchange.remove(['a'], NEVER);
      expect(kvp.guest.hostItems()).toEqual([{ name: 'b', value: '2' }]);
    });

    it('can hold any text', async () => {
      await using kvp = await make();
      const texts: Record<string, string> = {
        ...{ empty: '', blanks: '  ', lines: 'a\nb\r\nc\t', markup: `<a b="c">&amp;'</a>]]>` },
        ...{ unicode: 'üml€😀', constructor: 'x', 'a<b>&"c': 'y' },
      };
      const named = [...Object.entries(texts), ['__proto__', 'z'] as const];
      await kvp.exchange.set(
        named.map(([name, value]) => ({ name, value })),
        NEVER,
      );
      const { items } = await kvp.exchange.list('host', NEVER);
      expect(new Map(items.map(({ name, value }) => [name, value]))).toEqual(new Map(named));
      expect(new Map(kvp.guest.hostItems().map(({ name, value }) => [name, value]))).toEqual(new Map(named));
    });

    it('can be hundreds in one call', async () => {
      await using kvp = await make();
      const items = Array.from({ length: 300 }, (_, index) => ({
        name: `n${index}`,
        value: 'x'.repeat(1_000),
      }));
      await kvp.exchange.set(items, NEVER);
      expect(kvp.guest.hostItems()).toHaveLength(300);
      await kvp.exchange.remove(
        items.map(({ name }) => name),
        NEVER,
      );
      expect(kvp.guest.hostItems()).toEqual([]);
    });

    it('are masked in lists when they are secret, or parts of a request', async () => {
      await using kvp = await make();
      await kvp.exchange.set(
        [
          { name: 'password', value: 'swordfish', secret: true },
          { name: 'mobyvm.config#0', value: 'abc c3dvcmRmaXNo' },
          { name: 'plain', value: 'text' },
        ],
        NEVER,
      );
      expect((await kvp.exchange.list('host', NEVER)).items).toEqual([
        { name: 'mobyvm.config#0', value: '***', isSecret: true },
        { name: 'password', value: '***', isSecret: true },
        { name: 'plain', value: 'text', isSecret: false },
      ]);
    });

    it('are processed in the order of the calls', async () => {
      await using kvp = await make();
      await Promise.all([
        kvp.exchange.set([{ name: 'a', value: '1' }], NEVER),
        kvp.exchange.set([{ name: 'a', value: '2' }], NEVER),
        kvp.exchange.remove(['a'], NEVER),
        kvp.exchange.set([{ name: 'a', value: '3' }], NEVER),
      ]);
      expect(kvp.guest.hostItems()).toEqual([{ name: 'a', value: '3' }]);
    });
  });
}

function describeLimits(make: Make): void {
  describe('limits', () => {
    it.each([
      ['no name', { name: '', value: '' }],
      ['a name of 256 units', { name: 'x'.repeat(256), value: '' }],
      ['a name of 513 bytes', { name: '€'.repeat(171), value: '' }],
      ['a value of 1,024 units', { name: 'a', value: 'x'.repeat(1_024) }],
      ['a value of 2,049 bytes', { name: 'a', value: '€'.repeat(683) }],
      ['a NUL in the name', { name: 'a\0b', value: '' }],
      ['a NUL in the value', { name: 'a', value: 'a\0b' }],
      ['a control character', { name: 'a', value: '\u0001' }],
      ['half a surrogate pair', { name: 'a', value: '\ud83d' }],
    ])('reject %s, and nothing of the call is sent', async (_what, item) => {
      await using kvp = await make();
      const call = kvp.exchange.set([{ name: 'fine', value: 'v' }, item], NEVER);
      await expect(call).rejects.toMatchObject({
        code: 'MOBYVM_KVP_LIMIT',
        remedy: expect.stringMatching(/./) as string,
      });
      expect(kvp.guest.hostItems()).toEqual([]);
    });

    it('reject a name that occurs twice in a call', async () => {
      await using kvp = await make();
      const twice = ['1', '2'].map((value) => ({ name: 'a', value }));
      await expect(kvp.exchange.set(twice, NEVER)).rejects.toMatchObject({ code: 'MOBYVM_KVP_LIMIT' });
    });

    it('accept the longest texts', async () => {
      await using kvp = await make();
      const items = [
        { name: 'x'.repeat(255), value: 'y'.repeat(1_023) },
        { name: '€'.repeat(170), value: '€'.repeat(682) },
        { name: '😀'.repeat(127), value: '😀'.repeat(511) },
      ];
      await kvp.exchange.set(items, NEVER);
      expect(kvp.guest.hostItems()).toEqual(expect.arrayContaining(items));
    });

    it('stop reading a guest with more than 10,000 items', async () => {
      await using kvp = await make();
      for (let index = 0; index < 10_000; index++) kvp.guest.setGuestItem(`n${index}`, 'v');
      expect((await kvp.exchange.list('guest', NEVER)).items).toHaveLength(10_000);
      kvp.guest.setGuestItem('one more', 'v');
      await expect(kvp.exchange.list('guest', NEVER)).rejects.toMatchObject({ code: 'MOBYVM_KVP_LIMIT' });
    });
  });
}

function describeGuestItems(make: Make): void {
  describe('items of the guest', () => {
    it('are listed and found by name', async () => {
      await using kvp = await make();
      kvp.guest.setGuestItem('b', 'üml\nzwei');
      kvp.guest.setGuestItem('a', '');
      expect(shown((await kvp.exchange.list('guest', NEVER)).items)).toEqual({ a: '', b: 'üml\nzwei' });
      expect(await kvp.exchange.get('guest', 'b', NEVER)).toBe('üml\nzwei');
      expect(await kvp.exchange.get('guest', 'a', NEVER)).toBe('');
      expect(await kvp.exchange.get('guest', 'c', NEVER)).toBeUndefined();
      expect(shown((await kvp.exchange.list('host', NEVER)).items)).toEqual({});
    });

    it('that describe its system are listed and found', async () => {
      await using kvp = await make();
      expect(shown((await kvp.exchange.list('intrinsic', NEVER)).items)).toEqual(
        Object.fromEntries(INTRINSIC),
      );
      expect(await kvp.exchange.get('intrinsic', 'OSName', NEVER)).toBe('Debian GNU/Linux');
      expect(await kvp.exchange.get('intrinsic', 'Nothing', NEVER)).toBeUndefined();
    });

    it('are waited for', async () => {
      await using kvp = await make();
      kvp.guest.setGuestItem('answer', '41');
      const item = {
        name: 'answer',
        title: 'the answer',
        timeoutSeconds: 10,
        hint: 'ask again',
        everyMs: 10,
      };
      const waiting = waitForItem(
        kvp.exchange,
        item,
        (value) => (value === '42' ? Number(value) : undefined),
        NEVER,
      );
      await kvp.exchange.set([{ name: 'question', value: '?' }], NEVER);
      kvp.guest.setGuestItem('answer', '42');
      expect(await waiting).toBe(42);
    });

    it('that never arrive end the wait with the hint', async () => {
      await using kvp = await make();
      const item = {
        name: 'answer',
        title: 'the answer',
        timeoutSeconds: 0.05,
        hint: 'ask again',
        everyMs: 10,
      };
      await expect(waitForItem(kvp.exchange, item, (value) => value, NEVER)).rejects.toMatchObject({
        ...{ code: 'MOBYVM_KVP_NOT_READY', remedy: 'ask again' },
        message: expect.stringContaining('Waited 0.05 s for the answer') as string,
      });
    });

    it('report its addresses, where the exchange supports that', async () => {
      await using kvp = await make();
      if (kvp.exchange.ipInfo === undefined) return;
      const info = await kvp.exchange.ipInfo(parseMac('02:00:0a:00:4b:02'), NEVER);
      expect(info).toMatchObject({ addresses: ['10.0.75.2'], gateways: ['10.0.75.1'] });
      expect(await kvp.exchange.ipInfo(parseMac('02:00:0a:00:4b:99'), NEVER)).toBeUndefined();
    });
  });
}

function describeReadiness(make: Make): void {
  describe('a guest without a KVP daemon', () => {
    it('is waited for', async () => {
      await using kvp = await make();
      kvp.setReady(false);
      const setting = kvp.exchange.set([{ name: 'a', value: '1' }], NEVER);
      const listing = kvp.exchange.list('guest', NEVER);
      kvp.setReady(true);
      await setting;
      await listing;
      expect(shown((await kvp.exchange.list('host', NEVER)).items)).toEqual({ a: '1' });
    });

    it('fails the call after a timeout', async () => {
      await using kvp = await make();
      kvp.setReady(false);
      const call = kvp.exchange.list('guest', NEVER);
      await expect(call).rejects.toMatchObject({
        code: 'MOBYVM_KVP_NOT_READY',
        remedy: expect.any(String) as string,
      });
    });

    it('does not end other calls when one is aborted', async () => {
      await using kvp = await make();
      kvp.setReady(false);
      const controller = new AbortController();
      const aborted = kvp.exchange.set([{ name: 'a', value: '1' }], controller.signal);
      const queued = kvp.exchange.set([{ name: 'b', value: '2' }], controller.signal);
      const patient = kvp.exchange.set([{ name: 'c', value: '3' }], NEVER);
      const reason = new DOMException('enough', 'AbortError');
      controller.abort(reason);
      await expect(aborted).rejects.toBe(reason);
      await expect(queued).rejects.toBe(reason);
      kvp.setReady(true);
      await patient;
      expect(shown((await kvp.exchange.list('host', NEVER)).items)).toMatchObject({ c: '3' });
      await expect(kvp.exchange.list('host', controller.signal)).rejects.toBe(reason);
    });

    it('gets its items again if it reboots during a call', async () => {
      await using kvp = await make();
      await kvp.exchange.set(
        [
          { name: 'a', value: '1' },
          { name: 'gone', value: '2' },
        ],
        NEVER,
      );
      await kvp.exchange.remove(['gone'], NEVER);
      kvp.reboot();
      const listing = kvp.exchange.list('guest', NEVER);
      await kvp.untilAsked();
      kvp.setReady(true);
      await listing;
      expect(kvp.guest.hostItems()).toEqual([{ name: 'a', value: '1' }]);
    });

    it('does not keep a closed exchange waiting', async () => {
      await using kvp = await make();
      kvp.setReady(false);
      const calls = [kvp.exchange.list('guest', NEVER), kvp.exchange.get('guest', 'a', NEVER)];
      const settled = Promise.allSettled(calls);
      await kvp.exchange.close();
      for (const result of await settled)
        expect(result).toMatchObject({ reason: { code: 'MOBYVM_KVP_FAILED' } });
      await expect(kvp.exchange.list('guest', NEVER)).rejects.toMatchObject({ code: 'MOBYVM_KVP_FAILED' });
    });
  });
}

const CONFIGURATION = {
  token: 'tell-nobody-0123456789',
  daemonJson: '{"debug": true}',
  serverKey: `-----BEGIN PRIVATE KEY-----\n${'TELLNOBODYEITHER'.repeat(200)}\n-----END PRIVATE KEY-----\n`,
  hostName: 'moby',
};

function describeRequests(make: Make): void {
  const NAMES = ['mobyvm.config', 'mobyvm.share.C'];
  const apply = (
    kvp: KvpHarness,
    more: { timeoutSeconds?: number; signal?: AbortSignal } = {},
  ): Promise<void> =>
    applyConfiguration(kvp.exchange, CONFIGURATION, {
      ...{ signal: NEVER, timeoutSeconds: 10, nowMs: () => 1_790_000_000_123 },
      ...more,
    });

  describe('requests to the guest', () => {
    it('deliver its configuration, and leave nothing behind', async () => {
      await using kvp = await make();
      const bodies: Uint8Array[] = [];
      const agent = new FakeAgent(kvp.guest, NAMES, (_name, body) => {
        bodies.push(body);
        return { ok: true };
      });
      await apply(kvp);
      expect(bodies.map(decodeGuestConfiguration)).toEqual([{ ...CONFIGURATION, timeMs: 1_790_000_000_123 }]);
      expect(kvp.guest.hostItems()).toEqual([]);
      await apply(kvp);
      expect(agent.acted).toHaveLength(2);
    });

    it('wait for the agent', async () => {
      await using kvp = await make();
      const applying = apply(kvp);
      await kvp.exchange.list('host', NEVER);
      const agent = new FakeAgent(kvp.guest, NAMES, () => ({ ok: true }));
      await applying;
      expect(agent.acted).toEqual(['mobyvm.config']);
    });

    it('are not sent to a guest whose presence is invalid', async () => {
      await using kvp = await make();
      kvp.guest.setGuestItem('mobyvm.guest', 'here I am');
      await expect(apply(kvp, { timeoutSeconds: 0.5 })).rejects.toMatchObject({
        code: 'MOBYVM_KVP_NOT_READY',
        message: expect.stringContaining('guest presence at byte 0: is malformed') as string,
      });
      expect(kvp.guest.hostItems()).toEqual([]);
    });

    it('that are refused say so in the guest’s words, without secrets', async () => {
      await using kvp = await make();
      const text = `cannot write ${CONFIGURATION.token}: disk full`;
      new FakeAgent(kvp.guest, NAMES, () => ({ ok: false, code: 'apply', errno: 28, text }));
      await expect(apply(kvp)).rejects.toMatchObject({
        code: 'MOBYVM_GUEST_CONFIGURATION',
        message: 'The guest could not apply its configuration (apply): cannot write ***: disk full',
        details: { code: 'apply', errno: 28 },
      });
      expect(kvp.guest.hostItems()).toEqual([]);
    });

    it('that are not answered leave nothing behind', async () => {
      await using kvp = await make();
      const agent = new FakeAgent(kvp.guest, NAMES, () => undefined);
      await expect(apply(kvp, { timeoutSeconds: 1 })).rejects.toMatchObject({
        code: 'MOBYVM_GUEST_CONFIGURATION',
      });
      expect(agent.acted).toHaveLength(1);
      expect(kvp.guest.hostItems()).toEqual([]);
    });

    it('that are aborted leave nothing behind', async () => {
      await using kvp = await make();
      const agent = new FakeAgent(kvp.guest, NAMES, () => undefined);
      const controller = new AbortController();
      const applying = apply(kvp, { signal: controller.signal });
      const outcome = expect(applying).rejects.toMatchObject({ name: 'AbortError' });
      await until('the agent to act', () => agent.acted.length > 0);
      controller.abort();
      await outcome;
      expect(kvp.guest.hostItems()).toEqual([]);
    });

    it('are not answered by the answer to an earlier one', async () => {
      await using kvp = await make();
      const answers: (AgentAnswer | undefined)[] = [{ ok: false, code: 'apply', text: 'no' }, undefined];
      new FakeAgent(kvp.guest, NAMES, () => answers.shift());
      await expect(apply(kvp)).rejects.toMatchObject({ details: { code: 'apply' } });
      await expect(apply(kvp, { timeoutSeconds: 1 })).rejects.toThrow('Waited');
    });

    it('request mounts, and return errno and text', async () => {
      await using kvp = await make();
      const mount: MountRequest = {
        ...{ op: 'mount' as const, unc: '//10.0.75.1/C', points: ['/C', '/c'], user: 'mobyuser', domain: '' },
        ...{ options: ['vers=3.0', 'noperm'], password: 'a,b" üml€\\' },
      };
      const asked: unknown[] = [];
      new FakeAgent(kvp.guest, NAMES, (_name, body) => {
        asked.push(decodeShareRequest(body));
        return { ok: false, code: 'mount', errno: 13, text: 'mount error(13): Permission denied' };
      });
      const result = await askGuest(
        kvp.exchange,
        {
          ...{ name: shareRequestName('C'), body: () => encodeShareRequest(mount), timeoutSeconds: 10 },
          ...{ title: 'the guest to mount C:', code: 'MOBYVM_KVP_FAILED', hint: 'none' },
        },
        { signal: NEVER },
      );
      expect(asked).toEqual([mount]);
      expect(result).toMatchObject({ ok: false, code: 'mount', errno: 13 });
      expect(kvp.guest.hostItems()).toEqual([]);
    });

    it('of a daemon that was killed are found and removed', async () => {
      await using kvp = await make();
      const left = [
        'mobyvm.config',
        'mobyvm.config#0',
        'mobyvm.share.C',
        'mobyvm.share.C#12',
        'mobyvm.other',
        'user',
      ];
      await kvp.exchange.set(
        left.map((name) => ({ name, value: 'v' })),
        NEVER,
      );
      expect(await removeLeftRequests(kvp.exchange, NEVER)).toBe(4);
      expect(kvp.guest.hostItems().map(({ name }) => name)).toEqual(['mobyvm.other', 'user']);
      expect(await removeLeftRequests(kvp.exchange, NEVER)).toBe(0);
    });
  });
}
