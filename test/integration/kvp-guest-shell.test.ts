import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/core/host/index.js';
import { encodeGuestConfiguration } from '../../src/kvp/guest/configuration.codec.js';
import { decodeGuestResult, type GuestResult } from '../../src/kvp/guest/guest-result.codec.js';
import { decodePoolFile, encodePoolFile, type PoolRecord } from '../../src/kvp/wire/pool-file.codec.js';
import { encodeShareRequest, type MountRequest } from '../../src/kvp/index.js';
import { sha256 } from '../../src/kvp/guest/sha256.js';
import { encodeTransfer, type TransferItem } from '../../src/kvp/guest/transfer.codec.js';

/** The guest's own shell code, run by busybox as it is in the guest, reads what the host's codecs write, and the reverse. */
const LIBRARY = resolve(import.meta.dirname, '../../guest/overlay/usr/lib/mobyvm');
const NAME = 'mobyvm.config';
const FILLER = { name: 'filler', value: `üml€😀\nline\ttab\u0001${'x'.repeat(900)}` };

/** As the agent looks at the pool once; the body that it acts on is kept. */
const LOOK = `
perform_request() { cp "$2" "$AGENT_STATE/kept"; echo ok done; }
pool_list "$HOST_POOL" >"$AGENT_STATE/items"
look_at_request "$AGENT_STATE/items" ${NAME} || echo pending
`;

class Guest implements AsyncDisposable {
  private constructor(private readonly folder: string) {}

  static async create(): Promise<Guest> {
    const folder = await mkdtemp(join(tmpdir(), `mobyvm-kvp-shell-${process.pid}-`));
    for (const name of ['bin', 'pools', 'agent']) await mkdir(join(folder, name));
    await run('busybox', ['--install', '-s', join(folder, 'bin')], { timeoutMs: 30_000 });
    const guest = new Guest(folder);
    await guest.put(0, []);
    await guest.put(1, []);
    return guest;
  }

  put(pool: 0 | 1, records: readonly PoolRecord[]): Promise<void> {
    return writeFile(this.#pool(pool), encodePoolFile(records));
  }

  async records(pool: 0 | 1): Promise<readonly PoolRecord[]> {
    return decodePoolFile(await readFile(this.#pool(pool)));
  }

  async result(): Promise<GuestResult | undefined> {
    const item = (await this.records(1)).find(({ name }) => name === `${NAME}.result`);
    return item === undefined ? undefined : decodeGuestResult(item.value);
  }

  body(): Promise<Uint8Array> {
    return readFile(join(this.folder, 'agent/kept'));
  }

  async sh(script: string): Promise<string> {
    const { stdout } = await run(join(this.folder, 'bin/sh'), ['-s'], {
      timeoutMs: 30_000,
      input: `. ${LIBRARY}/kvp-pool.sh\n. ${LIBRARY}/kvp-transfer.sh\n${script}`,
      env: {
        PATH: join(this.folder, 'bin'),
        POOLS: join(this.folder, 'pools'),
        AGENT_STATE: join(this.folder, 'agent'),
      },
    });
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  #pool(pool: 0 | 1): string {
    return join(this.folder, `pools/.kvp_pool_${pool}`);
  }
}

const transfer = (body: Uint8Array, id = 'a1'): readonly TransferItem[] =>
  encodeTransfer({ name: NAME, id, body }, sha256);

describe('the guest’s shell code', () => {
  it.each([0, 1, 713, 714, 715, 1_428, 10_000, 65_536])(
    'assembles a body of %i bytes from its chunks',
    async (bytes) => {
      await using guest = await Guest.create();
      const body = randomBytes(bytes);
      await guest.put(0, [FILLER, ...[...transfer(body)].reverse()]);
      expect(await guest.sh(LOOK)).toBe('');
      expect(Buffer.compare(await guest.body(), body)).toBe(0);
      expect(await guest.result()).toEqual({ id: 'a1', ok: true, text: 'done' });
    },
  );

  it('finds the fields of a configuration', async () => {
    await using guest = await Guest.create();
    const daemonJson = '{"labels": ["ü", "a\\nb"]}';
    await guest.put(
      0,
      transfer(encodeGuestConfiguration({ daemonJson, hostName: 'moby', timeMs: 1_790_000_000_120 })),
    );
    await guest.sh(LOOK);
    const script = (key: string): string =>
      `while IFS=' ' read -r key value; do [ "$key" != ${key} ] || printf %s "$value" | base64 -d; done <"$AGENT_STATE/kept"`;
    expect(await guest.sh(script('daemon-json'))).toBe(daemonJson);
    expect(await guest.sh(script('time'))).toBe('1790000000.120');
  });

  it('waits for a missing chunk, and rejects a modified one', async () => {
    await using guest = await Guest.create();
    const items = transfer(randomBytes(2_000));
    await guest.put(0, items.toSpliced(1, 1));
    expect(await guest.sh(LOOK)).toBe('pending\n');
    expect(await guest.result()).toBeUndefined();
    const value = items[1]!.value.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    await guest.put(0, items.with(1, { name: items[1]!.name, value }));
    await guest.sh(LOOK);
    expect(await guest.result()).toMatchObject({ ok: false, code: 'checksum' });
  });

  it('performs a request once, and answers again if its answer was lost', async () => {
    await using guest = await Guest.create();
    await guest.put(0, transfer(Buffer.from('one')));
    await guest.sh(LOOK);
    await guest.put(1, []);
    await guest.sh(`rm "$AGENT_STATE/kept"\n${LOOK}`);
    expect(await guest.result()).toMatchObject({ id: 'a1', ok: true });
    await expect(guest.body()).rejects.toMatchObject({ code: 'ENOENT' });
    await guest.put(0, transfer(Buffer.from('two'), 'b2'));
    await guest.sh(LOOK);
    expect(await guest.result()).toMatchObject({ id: 'b2', ok: true });
    expect((await guest.body()).toString()).toBe('two');
  });

  it('ignores a header that the host has overwritten', async () => {
    await using guest = await Guest.create();
    const items = transfer(Buffer.from('one'));
    await guest.put(0, items.with(-1, { name: NAME, value: '-'.repeat(2_047) }));
    expect(await guest.sh(LOOK)).toBe('');
    expect(await guest.result()).toBeUndefined();
  });

  it('writes items that the host can read, beside foreign ones', async () => {
    await using guest = await Guest.create();
    await guest.put(1, [FILLER, { name: 'mobyvm.guest', value: 'old and longer' }]);
    await guest.sh(`pool_put "$GUEST_POOL" mobyvm.guest "1 x y"; pool_put "$GUEST_POOL" other z`);
    expect(await guest.records(1)).toEqual([
      FILLER,
      { name: 'mobyvm.guest', value: '1 x y' },
      { name: 'other', value: 'z' },
    ]);
    await guest.sh(`pool_remove "$GUEST_POOL" mobyvm.guest`);
    expect(await guest.records(1)).toEqual([FILLER, { name: 'other', value: 'z' }]);
  });
});

describe('a request to mount a share', () => {
  const plain = (text: string): boolean => !/[\p{Cc}\p{Surrogate},]/u.test(text);
  const word = fc.string({ unit: 'grapheme', maxLength: 40 }).filter(plain);
  const point = fc.stringMatching(/^(?:\/[A-Za-z0-9 _$'"`;-]{1,12}){1,4}$/);
  const request: fc.Arbitrary<MountRequest> = fc.record({
    op: fc.constant('mount' as const),
    unc: fc.stringMatching(/^\/\/10\.0\.75\.1\/[A-Za-z0-9 $;_-]{1,20}$/),
    points: fc.uniqueArray(point, { minLength: 1, maxLength: 8 }),
    user: word,
    domain: word,
    options: fc.array(fc.stringMatching(/^(?:vers|actimeo|noperm|seal)(?:=[A-Za-z0-9 $;"']{0,20})?$/), {
      maxLength: 5,
    }),
    password: fc
      .string({ unit: 'binary', maxLength: 127 })
      .filter((text) => !/[\0\r\n]|\p{Surrogate}/u.test(text)),
  });

  it('is read by the guest exactly as it was written', async () => {
    await using guest = await Guest.create();
    const requests = fc.sample(request, 40);
    const scripts = requests.map((each, index) => {
      const body = Buffer.from(encodeShareRequest(each)).toString('base64');
      return `
printf '%s' '${body}' | base64 -d >"$AGENT_STATE/body"
mkdir "$AGENT_STATE/f${index}"
read_share_request "$AGENT_STATE/body" "$AGENT_STATE/f${index}"
cd "$AGENT_STATE/f${index}" && for file in unc points user domain options password; do base64 <$file | tr -d '\n'; echo; done`;
    });
    const output = await guest.sh(
      `. ${LIBRARY}/kvp-config.sh\n. ${LIBRARY}/share-request.sh\n${scripts.join('')}\n`,
    );
    const expected = requests.flatMap(({ unc, points, user, domain, options, password }) =>
      [unc, lines(points), user, domain, lines(options), password].map((text) =>
        Buffer.from(text).toString('base64'),
      ),
    );
    expect(output.split('\n').slice(0, -1)).toEqual(expected);
  });
});

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
