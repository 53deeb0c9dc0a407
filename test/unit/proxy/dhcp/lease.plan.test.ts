import { describe, expect, it } from 'vitest';
import { parseIpv4, parseMac } from '../../../../src/core/values/index.js';
import {
  FRESH_LEASE,
  leaseStateAt,
  planLease,
  type LeaseRecord,
} from '../../../../src/proxy/dhcp/lease.plan.js';
import type { DhcpMessage } from '../../../../src/proxy/dhcp/message.codec.js';
import { ADDRESS, DHCP_CONFIG, dhcpRequest, SERVER } from '../../../support/dhcp-message.js';

const NOW = 1_000_000;
const ours = [10, 0, 75, 1];
const other = [10, 0, 75, 9];
const right = [10, 0, 75, 2];
const wrong = [10, 0, 75, 77];
const foreign = [192, 168, 1, 5];

const free = FRESH_LEASE;
const offered: LeaseRecord = { ...FRESH_LEASE, state: 'offered' };
const bound: LeaseRecord = { ...FRESH_LEASE, state: 'bound', expiresAtMs: NOW + 5_000 };
const expired: LeaseRecord = { ...FRESH_LEASE, state: 'bound', expiresAtMs: NOW - 5_000 };
const declined: LeaseRecord = { ...FRESH_LEASE, state: 'declined' };

const discover = dhcpRequest({ 53: [1] });
const selecting = dhcpRequest({ 53: [3], 54: ours, 50: right });
const selectingWrong = dhcpRequest({ 53: [3], 54: ours, 50: wrong });
const selectingOther = dhcpRequest({ 53: [3], 54: other, 50: other });
const initReboot = dhcpRequest({ 53: [3], 50: right });
const initRebootForeign = dhcpRequest({ 53: [3], 50: foreign });
const renewing = dhcpRequest({ 53: [3] }, { from: ADDRESS });
const renewingWrong = dhcpRequest({ 53: [3] }, { from: parseIpv4('10.0.75.77') });
const withoutAddress = dhcpRequest({ 53: [3] });
const decline = dhcpRequest({ 53: [4], 54: ours, 50: right });
const declineOther = dhcpRequest({ 53: [4], 54: other, 50: right });
const release = dhcpRequest({ 53: [7], 54: ours }, { from: ADDRESS });
const releaseWrong = dhcpRequest({ 53: [7], 54: ours }, { from: SERVER });
const inform = dhcpRequest({ 53: [8] }, { from: parseIpv4('10.0.75.40') });
const informForeign = dhcpRequest({ 53: [8] }, { from: parseIpv4('192.168.1.5') });

// The lease table: message, state before, what is sent, state after. RFC 2131 §4.3, table 4.
const TABLE: readonly (readonly [string, DhcpMessage, LeaseRecord, string, string])[] = [
  ['DISCOVER', discover, free, 'offer 10.0.75.2', 'offered'],
  ['DISCOVER', discover, offered, 'offer 10.0.75.2', 'offered'],
  ['DISCOVER', discover, bound, 'offer 10.0.75.2', 'bound'],
  ['DISCOVER', discover, expired, 'offer 10.0.75.2', 'offered'],
  ['DISCOVER', discover, declined, 'offer 10.0.75.2', 'offered'],
  ['REQUEST in SELECTING', selecting, offered, 'ack 10.0.75.2', 'bound'],
  ['REQUEST in SELECTING, after our restart', selecting, free, 'ack 10.0.75.2', 'bound'],
  ['REQUEST in SELECTING, wrong address', selectingWrong, offered, 'nak 0.0.0.0', 'offered'],
  ['REQUEST to another server', selectingOther, offered, 'nothing', 'free'],
  ['REQUEST to another server', selectingOther, bound, 'ignored: other-server', 'bound'],
  ['REQUEST in INIT-REBOOT', initReboot, free, 'ack 10.0.75.2', 'bound'],
  ['REQUEST in INIT-REBOOT, wrong network', initRebootForeign, free, 'nak 0.0.0.0', 'free'],
  ['REQUEST in RENEWING or REBINDING', renewing, bound, 'ack 10.0.75.2', 'bound'],
  ['REQUEST in RENEWING or REBINDING', renewing, expired, 'ack 10.0.75.2', 'bound'],
  ['REQUEST in RENEWING or REBINDING', renewing, free, 'ack 10.0.75.2', 'bound'],
  ['REQUEST in RENEWING, wrong address', renewingWrong, bound, 'nak 0.0.0.0', 'bound'],
  ['REQUEST without any address', withoutAddress, bound, 'ignored: no-address', 'bound'],
  ['DECLINE', decline, bound, 'nothing', 'declined'],
  ['DECLINE to another server', declineOther, bound, 'ignored: other-server', 'bound'],
  ['RELEASE', release, bound, 'nothing', 'released'],
  ['RELEASE of an address it does not have', releaseWrong, bound, 'ignored: no-address', 'bound'],
  ['INFORM', inform, free, 'ack 0.0.0.0 without lease', 'free'],
  ['INFORM', inform, bound, 'ack 0.0.0.0 without lease', 'bound'],
  ['INFORM from another network', informForeign, free, 'ignored: no-address', 'free'],
  ['OFFER, as if from a server', dhcpRequest({ 53: [2] }), free, 'ignored: unknown-type', 'free'],
  ['LEASEQUERY', dhcpRequest({ 53: [10] }), bound, 'ignored: unknown-type', 'bound'],
  ['plain BOOTP', dhcpRequest({}), free, 'ignored: plain-bootp', 'free'],
  ['a reply (op 2)', { ...discover, op: 2 }, free, 'ignored: not-a-request', 'free'],
  ['not Ethernet', { ...discover, hardwareType: 6 }, free, 'ignored: not-ethernet', 'free'],
  ['through a relay', { ...discover, relayAddress: SERVER }, free, 'ignored: relayed', 'free'],
  ['from another MAC', stranger(), free, 'ignored: unknown-client', 'free'],
];

describe('the lease table', () => {
  it.each(TABLE)('%s', (...[, message, before, sent, after]) => {
    const decision = planLease(message, before, DHCP_CONFIG, NOW);
    expect(sentBy(decision)).toBe(sent);
    const lease = decision.kind === 'ignore' ? before : decision.lease;
    expect(lease.state).toBe(after);
    if (decision.kind !== 'ignore') expect(lease.lastSeenMs).toBe(NOW);
  });

  it('extends the lease with each ACK', () => {
    expect(planLease(renewing, bound, DHCP_CONFIG, NOW)).toMatchObject({
      lease: { expiresAtMs: NOW + 3_600_000 },
    });
  });

  it('gives the reason in a NAK', () => {
    expect(planLease(initRebootForeign, free, DHCP_CONFIG, NOW)).toMatchObject({
      answer: { because: '192.168.1.5 is not on this network' },
    });
  });

  it('shows a bound lease as expired after its time', () => {
    expect(leaseStateAt(bound, NOW)).toBe('bound');
    expect(leaseStateAt(bound, NOW + 5_000)).toBe('expired');
    expect(leaseStateAt(declined, NOW)).toBe('declined');
  });
});

function sentBy(decision: ReturnType<typeof planLease>): string {
  switch (decision.kind) {
    case 'ignore':
      return `ignored: ${decision.reason}`;
    case 'record':
      return 'nothing';
    case 'answer': {
      const { type, yourAddress, isLease } = decision.answer;
      return `${type} ${yourAddress}${type === 'ack' && !isLease ? ' without lease' : ''}`;
    }
  }
}

function stranger(): DhcpMessage {
  return dhcpRequest({ 53: [1] }, { mac: parseMac('02:00:00:00:00:99') });
}
