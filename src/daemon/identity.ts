import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { readFileIfPresent, writeFileAtomically } from '../core/host/index.js';
import { localMac, MobyvmError, parseMac, type Mac } from '../core/values/index.js';

/** Who this machine is, made once per state folder: by it a running VM is recognised and adopted. */
export interface MachineIdentity {
  readonly machineId: string;
  readonly mac: Mac;
}

const schema = z.strictObject({ version: z.literal(1), machineId: z.uuid(), mac: z.string() });

/** @throws MobyvmError MOBYVM_STATE_FILE when the file is there and cannot be understood; it is left as it is */
export async function loadIdentity(path: string): Promise<MachineIdentity> {
  const text = await readFileIfPresent(path);
  if (text !== undefined) return parseIdentity(text, path);
  const identity = { machineId: randomUUID(), mac: localMac(randomBytes(6)) };
  await writeFileAtomically(path, `${JSON.stringify({ version: 1, ...identity }, null, 2)}\n`);
  return identity;
}

function parseIdentity(text: string, path: string): MachineIdentity {
  try {
    const { machineId, mac } = schema.parse(JSON.parse(text));
    return { machineId, mac: parseMac(mac) };
  } catch (error) {
    throw new MobyvmError(
      'MOBYVM_STATE_FILE',
      `${path} cannot be understood.`,
      `Restore ${path} from a backup. Without it mobyvm cannot recognise its own VM; if that VM is gone for good, move the file away.`,
      { cause: error },
    );
  }
}
