import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { readFileIfPresent, writeFileAtomically } from '../core/host/index.js';
import { join } from 'node:path';

const schema = z.strictObject({ namespace: z.string().optional() });

/** How the daemon of a run folder was started, so that the next one finds what a killed one left. */
export type Instance = z.infer<typeof schema>;

export async function readInstance(runDir: string): Promise<Instance> {
  const text = await readFileIfPresent(fileIn(runDir));
  try {
    return text === undefined ? {} : schema.parse(JSON.parse(text));
  } catch {
    // Only a hint, and gone after a reboot anyway: without it the daemon looks outside of any namespace.
    return {};
  }
}

export async function writeInstance(runDir: string, instance: Instance): Promise<void> {
  await writeFileAtomically(fileIn(runDir), `${JSON.stringify(instance)}\n`);
}

export async function removeInstance(runDir: string): Promise<void> {
  await rm(fileIn(runDir), { force: true });
}

function fileIn(runDir: string): string {
  return join(runDir, 'instance.json');
}
