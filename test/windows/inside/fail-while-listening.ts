import { silentLogger } from '../../../src/core/host/index.js';
import { namedPipes } from '../../../src/windows/index.js';

const pipes = await namedPipes();
await pipes.listen({
  address: String.raw`\\.\pipe\mobyvm_fail`,
  access: { kind: 'owner only' },
  logger: silentLogger,
  onConnection: () => undefined,
});
setTimeout(() => {
  throw new TypeError('planted');
}, 100);
