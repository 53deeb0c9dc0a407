import { expect, it } from 'vitest';
import { askByUdp } from '../../../../src/proxy/dns/ask-by-udp.js';
import { queryFor } from '../../../support/dns-message.js';

it('a resolver that cannot even be dialled is a failed question, not the end of the server', async () => {
  // The system refuses a broadcast address at once (EACCES), as it does an address without a route (ENETUNREACH).
  const endpoint = { address: '255.255.255.255', port: 53 };
  const result = await askByUdp(endpoint, queryFor('a.example'), new AbortController().signal);
  expect(result).toMatchObject({
    kind: 'failed',
    reason: expect.stringMatching(/EACCES|ENETUNREACH/) as string,
  });
});
