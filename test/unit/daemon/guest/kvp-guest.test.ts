import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import { MobyvmError } from '../../../../src/core/values/index.js';
import { KvpGuest, type GuestConfiguring } from '../../../../src/daemon/guest/index.js';
import { settingsSchema } from '../../../../src/daemon/settings/schema.js';
import { encodeGuestPresence } from '../../../../src/kvp/guest/guest-presence.codec.js';
import { GUEST_NAME } from '../../../../src/kvp/guest/names.js';
import {
  decodeGuestConfiguration,
  flushGuestDisk,
  type GuestConfiguration,
} from '../../../../src/kvp/index.js';
import { FakeAgent, FakeKvp, type AgentAnswer } from '../../../support/kvp-fake/index.js';
import { until } from '../../../support/vm/vm-harness.js';

const pem = (kind: string, text: string): string =>
  `-----BEGIN ${kind}-----\n${text}\n-----END ${kind}-----\n`;
const CERTIFICATES = {
  ca: pem('CERTIFICATE', 'QUE='),
  server: { cert: pem('CERTIFICATE', 'U0U='), key: pem('PRIVATE KEY', 'S0VZ') },
  client: { cert: pem('CERTIFICATE', 'Q0w='), key: pem('PRIVATE KEY', 'Q0tFWQ==') },
  changed: true,
};
const TOKEN = 'a'.repeat(43);

/** A guest whose agent notes what it is given. */
function guestWith(answer: AgentAnswer = { ok: true }) {
  const exchange = new FakeKvp({ intrinsic: { OSName: 'Fake Linux', OSBuildNumber: '6.12' } });
  const given: GuestConfiguration[] = [];
  const agent = new FakeAgent(exchange, ['mobyvm.config'], (_name, body) => {
    given.push(decodeGuestConfiguration(body));
    return answer;
  });
  const guest = new KvpGuest({
    exchange,
    loadCertificates: () => Promise.resolve(CERTIFICATES),
    loadToken: () => Promise.resolve(TOKEN),
    hostName: 'moby',
    nowMs: () => 1_800_000_000_500,
    logger: silentLogger,
    answersWithinMs: 200,
  });
  return { guest, exchange, agent, given };
}

function configuring(more: Partial<GuestConfiguring> = {}): GuestConfiguring {
  return {
    settings: settingsSchema.parse({ engine: { daemonJson: { 'log-driver': 'local' } } }),
    timeoutSeconds: 5,
    signal: new AbortController().signal,
    giveUp: () => undefined,
    pingEngine: () => Promise.reject(new MobyvmError('MOBYVM_ENGINE_UNREACHABLE', 'no answer', '')),
    isFreshBoot: true,
    shares: [],
    ...more,
  };
}

async function prepare(guest: KvpGuest): Promise<string> {
  const signal = new AbortController().signal;
  return guest.prepareStep().run({ signal, progress: () => undefined, onFailure: () => undefined });
}

describe('a guest that has booted', () => {
  test('gets token, certificates, settings, name and time, and nothing stays in the pool', async () => {
    const { guest, exchange, given } = guestWith();
    expect(await prepare(guest)).toBe('create');
    expect(await guest.configure(configuring())).toBe('update');
    expect(given).toEqual([
      {
        token: TOKEN,
        caCertificate: CERTIFICATES.ca,
        serverCertificate: CERTIFICATES.server.cert,
        serverKey: CERTIFICATES.server.key,
        daemonJson: '{"log-driver":"local"}',
        hostName: 'moby',
        stopSeconds: 180,
        timeMs: 1_800_000_000_500,
      },
    ]);
    expect(exchange.hostItems()).toEqual([]);
    expect(guest.credentials).toEqual({
      ca: CERTIFICATES.ca,
      cert: CERTIFICATES.client.cert,
      key: CERTIFICATES.client.key,
    });
  });

  test('gets the size of its swap space if there is to be one', async () => {
    const { guest, given } = guestWith();
    await prepare(guest);
    await guest.configure(configuring({ settings: settingsSchema.parse({ vm: { swapMiB: 512 } }) }));
    expect(given).toMatchObject([{ swapMiB: 512 }]);
  });

  test('that refuses reports why, without its secrets', async () => {
    const { guest, exchange } = guestWith({ ok: false, code: 'apply', text: `no room for ${TOKEN}` });
    await prepare(guest);
    await expect(guest.configure(configuring())).rejects.toMatchObject({
      code: 'MOBYVM_GUEST_CONFIGURATION',
      message: expect.stringContaining('no room for ***') as string,
    });
    expect(exchange.hostItems()).toEqual([]);
  });

  test('whose boot has failed is not waited for', async () => {
    const { guest, agent } = guestWith();
    agent.stop();
    await prepare(guest);
    const died = new MobyvmError('MOBYVM_VM_DIED', 'The VM ended.', '');
    const giveUp = (): never => {
      throw died;
    };
    await expect(guest.configure(configuring({ giveUp, timeoutSeconds: 600 }))).rejects.toBe(died);
  });
});

describe('a guest that was already running', () => {
  const pingEngine = (): Promise<void> => Promise.resolve();

  test.each([false, true])(
    'is left alone if its engine answers, and leftovers of a dead daemon are removed from its pool',
    async (isFollowedFirst) => {
      const { guest, exchange, given, agent } = guestWith();
      agent.stop();
      const signal = new AbortController().signal;
      await exchange.set(
        [
          { name: 'mobyvm.config#0', value: 'secret' },
          { name: 'mine', value: 'stays' },
        ],
        signal,
      );
      await prepare(guest);
      if (isFollowedFirst) guest.follow();
      expect(await guest.configure(configuring({ isFreshBoot: false, pingEngine }))).toBe('none');
      expect(given).toEqual([]);
      if (!isFollowedFirst) guest.follow();
      await until('the rest to be removed', () => Promise.resolve(exchange.hostItems().length === 1));
      guest.unfollow();
      expect(exchange.hostItems().map(({ name }) => name)).toEqual(['mine']);
    },
  );

  test('is configured if its engine does not answer', async () => {
    const { guest, given } = guestWith();
    await prepare(guest);
    expect(await guest.configure(configuring({ isFreshBoot: false }))).toBe('update');
    expect(given).toHaveLength(1);
  });
});

test('the facts of a guest are available while it is followed', async () => {
  const { guest } = guestWith();
  guest.follow();
  await until('the facts', () => Promise.resolve(guest.facts !== undefined));
  expect(guest.facts).toEqual({ os: 'Fake Linux', kernel: '6.12', addresses: [] });
  guest.unfollow();
  expect(guest.facts).toBeUndefined();
});

test('dialling fails before there are keys', () => {
  expect(() => guestWith().guest.credentials).toThrow(/before the VM has been started/);
});

describe('a guest that is about to be saved', () => {
  const signal = new AbortController().signal;

  test('writes to its disk when it is asked to', async () => {
    const exchange = new FakeKvp();
    const asked: string[] = [];
    new FakeAgent(exchange, ['mobyvm.sync'], (_name, body) => {
      asked.push(new TextDecoder().decode(body));
      return { ok: true };
    });
    expect(await flushGuestDisk(exchange, { timeoutSeconds: 5, signal })).toBe(true);
    expect(asked).toEqual(['mobyvm-sync 1\nend\n']);
    expect((await exchange.list('host', signal)).items).toEqual([]);
  });

  test('is not asked if its agent does not know the request', async () => {
    const { exchange } = guestWith();
    exchange.setGuestItem(GUEST_NAME, encodeGuestPresence({ bootId: randomUUID(), agent: 'mobyvm-agent-3' }));
    expect(await flushGuestDisk(exchange, { timeoutSeconds: 5, signal })).toBe(false);
  });

  test('is saved whether it can or not', async () => {
    const exchange = new FakeKvp();
    new FakeAgent(exchange, ['mobyvm.sync'], () => ({ ok: false, code: 'sync', errno: 5, text: 'no disk' }));
    await expect(flushGuestDisk(exchange, { timeoutSeconds: 5, signal })).rejects.toMatchObject({
      code: 'MOBYVM_KVP_FAILED',
      message: 'The guest did not write to its disk (sync): no disk',
    });
    const { guest } = guestWith();
    const over = AbortSignal.abort();
    await expect(guest.flushDisk(over)).resolves.toBeUndefined();
  });
});
