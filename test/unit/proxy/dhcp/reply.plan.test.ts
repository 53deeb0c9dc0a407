import { describe, expect, it } from 'vitest';
import { parseIpv4 } from '../../../../src/core/values/index.js';
import type { Answer } from '../../../../src/proxy/dhcp/lease.plan.js';
import { encodeMessage } from '../../../../src/proxy/dhcp/message.codec.js';
import { planReply } from '../../../../src/proxy/dhcp/reply.plan.js';
import { ADDRESS, DHCP_CONFIG, dhcpRequest, NONE } from '../../../support/dhcp-message.js';
import { toHex } from '../../../support/wire-fixture.js';

const offer: Answer = { type: 'offer', yourAddress: ADDRESS, isLease: true };
const ack: Answer = { type: 'ack', yourAddress: ADDRESS, isLease: true };
const nak: Answer = { type: 'nak', yourAddress: NONE, isLease: false, because: 'wrong' };
const informed: Answer = { type: 'ack', yourAddress: NONE, isLease: false };
const discover = dhcpRequest({ 53: [1] });
const LIMITED_BROADCAST = '255.255.255.255';

function codes(reply: ReturnType<typeof planReply>): readonly number[] {
  return [...reply.message.options.keys()];
}

describe('a DHCP reply', () => {
  it('has the fields of RFC 2131 table 3', () => {
    const request = dhcpRequest({ 53: [3] }, { from: ADDRESS, broadcast: true, hops: 3, seconds: 9 });
    expect(planReply(request, ack, DHCP_CONFIG).message).toMatchObject({
      ...{ op: 2, hops: 0, seconds: 0, transactionId: request.transactionId, broadcast: true },
      ...{ clientAddress: ADDRESS, yourAddress: ADDRESS, nextServerAddress: NONE, relayAddress: NONE },
    });
  });

  it('has the values of the configuration', () => {
    const { options } = planReply(discover, offer, DHCP_CONFIG).message;
    const shown = Object.fromEntries([...options].map(([code, value]) => [code, toHex(value)]));
    expect(shown).toEqual({
      1: 'ffffff00',
      3: '0a004b01',
      6: '0a004b01',
      12: toHex(new TextEncoder().encode('moby')),
      15: toHex(new TextEncoder().encode('mobyvm.internal')),
      26: '05c8',
      28: '0a004bff',
      51: '00000e10',
      53: '02',
      54: '0a004b01',
      58: '00000708',
      59: '00000c4e',
    });
  });

  it('has the required options first, then the requested ones, in the client’s order', () => {
    const request = dhcpRequest({ 53: [1], 55: [119, 28, 42, 1, 12] });
    expect(codes(planReply(request, offer, DHCP_CONFIG))).toEqual([53, 54, 51, 58, 59, 1, 3, 6, 119, 28, 12]);
  });

  it('has no lease times for INFORM', () => {
    const reply = planReply(dhcpRequest({ 53: [8] }, { from: ADDRESS }), informed, DHCP_CONFIG);
    expect(codes(reply)).toEqual([53, 54, 1, 3, 6, 12, 15, 26, 28]);
  });

  it('that is a NAK has only the type, the server and the reason', () => {
    expect(codes(planReply(dhcpRequest({ 53: [3], 61: [1, 2] }), nak, DHCP_CONFIG))).toEqual([
      53, 54, 61, 56,
    ]);
  });

  it('echoes the client identifier (RFC 6842)', () => {
    const request = dhcpRequest({ 53: [1], 61: [0xff, 1, 2, 3] });
    expect(planReply(request, offer, DHCP_CONFIG).message.options.get(61)).toEqual(
      Uint8Array.of(0xff, 1, 2, 3),
    );
  });

  it('omits options without a value', () => {
    const { lease } = DHCP_CONFIG;
    const config = { ...DHCP_CONFIG, domain: '', domainSearch: [], lease: { ...lease, hostname: '' } };
    const request = dhcpRequest({ 53: [1], 55: [12, 15, 119] });
    expect(codes(planReply(request, offer, config))).toEqual([53, 54, 51, 58, 59, 1, 3, 6]);
  });

  it('omits optional options that exceed the client’s maximum message size', () => {
    const domainSearch = Array.from({ length: 20 }, (_, at) => `department-${at}.corp.example`);
    const config = { ...DHCP_CONFIG, domainSearch };
    const asking = { 53: [1], 55: [119, 12] };
    expect(codes(planReply(dhcpRequest(asking), offer, config))).toEqual([53, 54, 51, 58, 59, 1, 3, 6, 12]);
    const small = planReply(dhcpRequest({ ...asking, 57: [0x02, 0x40] }), offer, config);
    expect(encodeMessage(small.message).length).toBeLessThanOrEqual(576 - 28);
    const large = planReply(dhcpRequest({ ...asking, 57: [0x05, 0xdc] }), offer, config);
    expect(codes(large)).toContain(119);
    expect(encodeMessage(large.message).length).toBeLessThanOrEqual(1500 - 28);
  });

  it.each([
    ['to a client without an address', dhcpRequest({ 53: [1] }), offer, LIMITED_BROADCAST],
    [
      'to a client that requests a broadcast',
      dhcpRequest({ 53: [1] }, { broadcast: true }),
      offer,
      LIMITED_BROADCAST,
    ],
    ['to a client that renews', dhcpRequest({ 53: [3] }, { from: ADDRESS }), ack, ADDRESS],
    ['to an INFORM', dhcpRequest({ 53: [8] }, { from: ADDRESS }), informed, ADDRESS],
    ['with a NAK', dhcpRequest({ 53: [3] }, { from: ADDRESS }), nak, LIMITED_BROADCAST],
    [
      'to an address in another subnet',
      dhcpRequest({ 53: [1] }, { from: parseIpv4('8.8.8.8') }),
      offer,
      LIMITED_BROADCAST,
    ],
  ])('%s is sent to the right address', (_, request, answer, destination) => {
    expect(planReply(request, answer, DHCP_CONFIG).destination).toBe(destination);
  });
});
