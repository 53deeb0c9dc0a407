import { parseMac } from '../../../src/core/values/index.js';
import type { VmSpec } from '../../../src/vm/index.js';

export const SAMPLE_SPEC: VmSpec = {
  machineId: '0c6d1b0e-7a3f-4a57-9a5b-3f6f1f0a2b11',
  name: 'MobyLinuxVM',
  cpus: 2,
  memoryMiB: 2_048,
  firmware: 'bios',
  isoPath: '/opt/mobyvm/mobyvm.iso',
  dataDisk: { path: '/var/lib/mobyvm/data.qcow2', sizeGiB: 64 },
  network: { attachment: 'mobyvm0-tap', mac: parseMac('02:00:0a:00:4b:02') },
  awaitsConfiguration: false,
};
