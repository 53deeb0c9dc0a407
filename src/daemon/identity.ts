import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { StateFile } from '../core/host/index.js';
import { localMac, parseMac, type Mac } from '../core/values/index.js';

/** Identifies this machine. Created once per state folder; a running VM is recognized and adopted by it. */
export interface MachineIdentity {
  readonly machineId: string;
  readonly mac: Mac;
}

const schema = z.strictObject({
  version: z.literal(1),
  machineId: z.uuid(),
  mac: z.string().transform(parseMac),
});

/** @throws MobyvmError MOBYVM_STATE_FILE when the file exists but is invalid; the file is left unchanged */
export async function loadIdentity(path: string): Promise<MachineIdentity> {
  const file = new StateFile({
    path,
    schema,
    remedy: `Restore ${path} from a backup. Without it mobyvm cannot recognize its own VM; if that VM is gone for good, move the file away.`,
  });
  const stored = await file.read();
  if (stored !== undefined) return { machineId: stored.machineId, mac: stored.mac };
  const identity = { machineId: randomUUID(), mac: localMac(randomBytes(6)) };
  await file.write({ version: 1, ...identity });
  return identity;
}
