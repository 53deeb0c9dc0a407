import { it } from 'vitest';
import { Instance } from '../support/instance.js';
import { makeEchoImage } from '../support/vm/echo-image.js';
import { manyPorts } from '../support/vm/many-ports.js';

const CONTAINERS = Number(process.env['MOBYVM_SOAK_CONTAINERS'] ?? 200);
const IMAGE = 'mobyvm-port-echo';

it('200 containers with a port each come up, answer and go', { timeout: 14_400_000 }, async () => {
  await using instance = await Instance.create({ vm: { memoryMiB: 4096 } });
  await instance.up();
  await makeEchoImage(instance, IMAGE);
  await manyPorts(instance, IMAGE, CONTAINERS);
});
