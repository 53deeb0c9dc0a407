import type { LocalAccess } from '../../../src/core/host/index.js';
import { groupSid } from '../../../src/windows/calls/security.js';
import { namedPipes } from '../../../src/windows/index.js';
import { describeLocalListener } from '../../contract/local-listener.js';
import { pipeAccessListOf, WinioClients } from './winio-client.js';

const GROUP = 'Users';
const ADDRESS = String.raw`\\.\pipe\mobyvm_contract`;

describeLocalListener('the named-pipe listener', async () => {
  const pipes = await namedPipes();
  const clients = new WinioClients();
  return {
    listen: pipes.listen,
    address: ADDRESS,
    hasServerHalfClose: false,
    group: GROUP,
    connect: () => clients.connect(ADDRESS),
    access: (): Promise<LocalAccess> => Promise.resolve(accessOf(pipeAccessListOf(ADDRESS))),
    async [Symbol.asyncDispose]() {
      await clients.close();
      await pipes.close();
    },
  };
});

/** Wine reads well-known SIDs back as their two letters (BU), Windows too. */
function accessOf(list: string): LocalAccess {
  const others = [...list.matchAll(/\(A;[^)]*;;;([^)]+)\)/g)]
    .map(([, sid]) => sid)
    .filter((sid) => sid !== 'SY' && sid !== 'BA');
  const sid = groupSid(GROUP);
  if (others.length === 0) return { kind: 'owner only' };
  const isGroup = others.length === 1 && (others[0] === sid || others[0] === 'BU');
  return { kind: 'group', name: isGroup ? GROUP : list };
}
