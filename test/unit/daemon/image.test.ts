import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyImage } from '../../../src/daemon/image.js';

let directory = '';
const iso = Buffer.from('a boot image');

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mobyvm-image-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function write(manifest: unknown, content: Buffer = iso): Promise<void> {
  await writeFile(
    join(directory, 'manifest.json'),
    typeof manifest === 'string' ? manifest : JSON.stringify(manifest),
  );
  await writeFile(join(directory, 'mobyvm.iso'), content);
}

function manifestOf(content: Buffer) {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { schemaVersion: 1, recipe: 'debian', files: { 'mobyvm.iso': { size: content.length, sha256 } } };
}

function verify() {
  const location = { directory, isoPath: join(directory, 'mobyvm.iso') };
  return verifyImage(location, new AbortController().signal);
}

describe('the boot image', () => {
  test('is accepted if size and SHA-256 match the manifest', async () => {
    await write(manifestOf(iso));
    expect((await verify()).recipe).toBe('debian');
  });

  test('that is missing is reported with the command that builds it', async () => {
    await expect(verify()).rejects.toMatchObject({
      code: 'MOBYVM_IMAGE_MISSING',
      remedy: expect.stringContaining('mobyvm image build') as string,
    });
  });

  test.each([
    ['is truncated', iso.subarray(0, 5), /has 5 bytes and should have 12/],
    ['has one changed byte', Buffer.from('A boot image'), /SHA-256/],
  ])('that %s is rejected', async (_how, content, message) => {
    await write(manifestOf(iso), content);
    await expect(verify()).rejects.toMatchObject({
      code: 'MOBYVM_IMAGE_CORRUPT',
      message: expect.stringMatching(message) as string,
    });
  });

  test.each([
    ['not JSON', '{'],
    ['of another version', { schemaVersion: 2 }],
    ['without the ISO', { ...manifestOf(iso), files: {} }],
  ])('with a manifest that is %s is rejected', async (_what, manifest) => {
    await write(manifest);
    await expect(verify()).rejects.toMatchObject({ code: 'MOBYVM_IMAGE_CORRUPT' });
  });
});
