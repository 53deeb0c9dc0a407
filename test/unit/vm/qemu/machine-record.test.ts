import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MachineRecord } from '../../../../src/vm/qemu/machine-record.js';
import { StateFile } from '../../../../src/core/host/index.js';
import { Definition } from '../../../../src/vm/definition.js';
import { SAMPLE_SPEC } from '../../../support/vm/sample-spec.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), `mvt${process.pid}-`));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a state file', () => {
  test('returns what was written', async () => {
    const file = new StateFile({ path: join(folder, 'new', 'definition.json'), schema: Definition });
    expect(await file.read()).toBeUndefined();
    await file.write({ format: 1, spec: SAMPLE_SPEC });
    expect((await file.read())?.spec).toEqual(SAMPLE_SPEC);
    await file.remove();
    await file.remove();
    expect(await file.read()).toBeUndefined();
  });

  test('accepts a record with unknown hardware', async () => {
    const file = new StateFile({ path: join(folder, 'machine.json'), schema: MachineRecord });
    const { machineId } = SAMPLE_SPEC;
    await file.write({ format: 1, machineId, pid: 7, startId: '9', qmpSocket: '/q', hardware: undefined });
    expect(await file.read()).toEqual({ format: 1, machineId, pid: 7, startId: '9', qmpSocket: '/q' });
  });

  test.each(['', '{"torn', '[]', '{"format":2}', '{"format":1,"spec":{"machineId":"x"}}'])(
    'that contains %j is an error with its path and a remedy',
    async (text) => {
      const path = join(folder, 'definition.json');
      await writeFile(path, text);
      await expect(new StateFile({ path, schema: Definition }).read()).rejects.toMatchObject({
        code: 'MOBYVM_STATE_FILE',
        message: expect.stringContaining(path) as string,
        remedy: expect.stringMatching(/\w/) as string,
      });
    },
  );
});
