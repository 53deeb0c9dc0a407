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

/**
 * The identity of this state folder, created with it. A file that cannot be read is made again from the VM's definition,
 * which has it as well: with another identity, mobyvm would not recognize its own VM and start a second one.
 * @throws MobyvmError MOBYVM_STATE_FILE when the definition cannot be read either; the file is left unchanged
 */
export async function loadIdentity(path: string, vmStateDir: string): Promise<MachineIdentity> {
  const file = identityFile(path);
  try {
    const stored = await file.read();
    if (stored !== undefined) return { machineId: stored.machineId, mac: stored.mac };
  } catch (error) {
    const rebuilt = await definedIdentity(vmStateDir);
    if (rebuilt === undefined) throw error;
    await file.setAsideIfUnreadable();
    await file.write({ version: 1, ...rebuilt });
    return rebuilt;
  }
  const identity = { machineId: randomUUID(), mac: localMac(randomBytes(6)) };
  await file.write({ version: 1, ...identity });
  return identity;
}

export function identityFile(path: string): StateFile<z.infer<typeof schema>> {
  return new StateFile({
    path,
    schema,
    remedy: `Restore ${path} from a backup. Without it mobyvm cannot recognize its own VM; if that VM is gone for good, move the file away.`,
  });
}

async function definedIdentity(vmStateDir: string): Promise<MachineIdentity | undefined> {
  // Loaded only when it is needed: the drivers take time, and not every process that needs the identity has them.
  const { definitionFile } = await import('../vm/index.js');
  const spec = (await definitionFile(vmStateDir).peek())?.spec;
  return spec && { machineId: spec.machineId, mac: spec.network.mac };
}
