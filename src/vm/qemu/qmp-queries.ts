import { z } from 'zod';
import { MobyvmError } from '../../core/values/index.js';
import type { QmpCallOptions, QmpClient } from './qmp-client.js';

const RunStatus = z.object({ status: z.string() });
const Uuid = z.object({ UUID: z.string() });
const Migration = z.object({
  status: z.string().optional(),
  'error-desc': z.string().optional(),
  ram: z.object({ transferred: z.number(), remaining: z.number() }).optional(),
});

/** The state of a migration; `none` before the first one. */
export interface MigrationStatus {
  readonly status: string;
  readonly transferredBytes: number;
  readonly error: string | undefined;
}

/** QMP's RunState, for example `running` or `prelaunch`. */
export async function queryRunState(client: QmpClient, options: QmpCallOptions = {}): Promise<string> {
  return (await query(client, 'query-status', RunStatus, options)).status;
}

/** The machine id that QEMU was started with. */
export async function queryUuid(client: QmpClient, options: QmpCallOptions = {}): Promise<string> {
  return (await query(client, 'query-uuid', Uuid, options)).UUID;
}

export async function queryMigration(
  client: QmpClient,
  options: QmpCallOptions = {},
): Promise<MigrationStatus> {
  const found = await query(client, 'query-migrate', Migration, options);
  return {
    status: found.status ?? 'none',
    transferredBytes: found.ram?.transferred ?? 0,
    error: found['error-desc'],
  };
}

/** The exact machine type behind an alias: `pc-q35-7.2` for `q35`. */
export async function queryMachineType(client: QmpClient, options: QmpCallOptions = {}): Promise<string> {
  const args = { path: '/machine', property: 'type' };
  const name = parsed('qom-get', z.string(), await client.execute('qom-get', args, options));
  return name.replace(/-machine$/, '');
}

async function query<T>(
  client: QmpClient,
  command: string,
  schema: z.ZodType<T>,
  options: QmpCallOptions,
): Promise<T> {
  return parsed(command, schema, await client.execute(command, {}, options));
}

function parsed<T>(command: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new MobyvmError(
    'MOBYVM_QMP',
    `Unexpected response from QEMU to "${command}".`,
    'Make sure that QEMU is version 7.2 or newer.',
    { cause: result.error, details: { command } },
  );
}
