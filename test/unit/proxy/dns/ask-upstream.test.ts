import { expect, it } from 'vitest';
import { askByUdp } from '../../../../src/proxy/dns/ask-upstream.js';
import { Cancellation } from '../../../../src/proxy/dns/cancellation.js';
import { queryFor } from '../../../support/dns-message.js';

it('fails a query, rather than the server, if the system refuses to send to the resolver', async () => {
  // The system refuses a broadcast address (EACCES), or any address without a route (ENETUNREACH).
  const endpoint = { address: '255.255.255.255', port: 53 };
  const result = await askByUdp(endpoint, queryFor('a.example'), new Cancellation());
  expect(result).toMatchObject({
    kind: 'failed',
    reason: expect.stringMatching(/EACCES|ENETUNREACH/) as string,
  });
});
