import { silentLogger } from '../../../src/core/host/index.js';
import { namedPipes } from '../../../src/windows/index.js';
import { WinioClients } from './winio-client.js';

const pipes = await namedPipes();
const address = String.raw`\\.\pipe\mobyvm_exit`;
await pipes.listen({
  address,
  access: { kind: 'owner only' },
  logger: silentLogger,
  onConnection: (stream) => {
    stream.resume();
    // Both threads that wait for completions are in a system call now.
    setTimeout(() => process.exit(3), 100);
  },
});
(await new WinioClients().connect(address)).resume();
