import { createHash } from 'node:crypto';
import { z } from 'zod';
import { StateFile, statIfPresent } from '../../core/host/index.js';
import type { VmSpec } from '../../vm/index.js';
import type { Settings } from '../settings/schema.js';
import type { GivenToGuest } from './saved-fit.plan.js';

const guestRecord = z.object({
  format: z.literal(1),
  image: z.string(),
  settings: z.record(z.string(), z.string()),
  credentials: z.string(),
  shares: z.array(z.string()).readonly(),
  /** Absent while the guest runs. */
  saved: z
    .object({
      /** ISO 8601. */
      at: z.string(),
      /** Size of the file with its memory; absent if that is not known. */
      bytes: z.number().optional(),
      /** The network namespace that the VM ran in, if any. */
      namespace: z.string().optional(),
    })
    .optional(),
});

/** What the guest that runs or is saved was given, kept for the daemon that resumes it. */
export type GuestRecord = z.infer<typeof guestRecord>;

/** Since when a VM is saved, and what it takes on disk. */
export type SavedSince = NonNullable<GuestRecord['saved']>;

export interface GuestRecordStore {
  /** @throws MobyvmError MOBYVM_STATE_FILE */
  read(): Promise<GuestRecord | undefined>;
  write(record: GuestRecord): Promise<void>;
  remove(): Promise<void>;
}

export function guestRecordFile(path: string): StateFile<GuestRecord> {
  return new StateFile({ path, schema: guestRecord });
}

export async function savedSince(path: string): Promise<SavedSince | undefined> {
  return (await guestRecordFile(path).peek())?.saved;
}

export interface GivenSources {
  readonly settings: Settings;
  readonly spec: VmSpec;
  readonly subnet: string | undefined;
  readonly credentials: string;
  readonly shares: readonly string[];
}

/** What a boot with these settings gives the guest. */
export async function givenToGuest(sources: GivenSources): Promise<GivenToGuest> {
  const { settings, spec, subnet, credentials, shares } = sources;
  const { daemonJson } = settings.engine;
  return {
    image: await stampOf(spec.isoPath),
    settings: {
      'vm.cpus': String(spec.cpus),
      'vm.memoryMiB': String(spec.memoryMiB),
      'vm.swapMiB': String(settings.vm.swapMiB),
      'vm.firmware': spec.firmware,
      'vm.accelerator': settings.vm.accelerator,
      'network.bridge': spec.network.attachment,
      ...(subnet === undefined ? {} : { 'network.subnet': subnet }),
      'image.directory': spec.isoPath,
      // It may hold passwords of proxies.
      'engine.daemonJson': createHash('sha256').update(JSON.stringify(daemonJson)).digest('hex'),
    },
    credentials,
    shares: [...shares],
  };
}

async function stampOf(path: string): Promise<string> {
  const found = await statIfPresent(path);
  return found === undefined ? 'missing' : `${found.size} bytes of ${new Date(found.mtimeMs).toISOString()}`;
}
