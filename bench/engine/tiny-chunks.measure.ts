import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RunningProgram } from '../../test/support/netns.js';
import { testMachine } from '../../test/support/tls-engine.js';
import { pings, type Latency } from './load.js';
import { startBackend, startMobyvm } from './peers.js';

/** What one client that sends 2.6 million chunks of one byte costs another one, which asks `/_ping` meanwhile. */
const ROUNDS = 5;
const PING_SECONDS = 4;
const CONTENT_BYTES = 2_600_000;

it('answers others while a client sends bodies in chunks of one byte', { timeout: 300_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-bench-'));
  const machine = await testMachine();
  const backend = await startBackend(machine);
  const peer = await startMobyvm({ folder, port: backend.port, machine });
  const measured: { readonly alone: Latency; readonly beside: Latency; readonly bodies: number }[] = [];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const alone = await pings(peer.open, 1, PING_SECONDS);
      const program = join(import.meta.dirname, 'tiny-chunks.mjs');
      const args = [program, join(folder, 'mobyvm.sock'), String(CONTENT_BYTES)];
      await using flood = new RunningProgram(process.execPath, args);
      await flood.line(/sent/, 60);
      const beside = await pings(peer.open, 1, PING_SECONDS);
      measured.push({ alone, beside, bodies: flood.lines.length });
    }
  } finally {
    await peer.program?.stop();
    await backend.program.stop();
    await rm(folder, { recursive: true, force: true });
  }
  process.stdout.write(`load ${(loadavg()[0] ?? NaN).toFixed(1)}\n`);
  for (const { alone, beside, bodies } of measured)
    process.stdout.write(`| ${shown(alone)} | ${shown(beside)} | ${bodies} bodies |\n`);
  expect(measured).toHaveLength(ROUNDS);
});

function shown({ p50Ms, p99Ms, maxMs }: Latency): string {
  return [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(1)).join(' / ');
}
