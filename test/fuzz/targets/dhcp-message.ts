import { deepStrictEqual, ok } from 'node:assert/strict';
import {
  CodecError,
  macFromBytes,
  parseIpv4,
  parseSubnet,
  subnetContains,
} from '../../../src/core/values/index.js';
import { FRESH_LEASE, planLease, type LeaseRecord } from '../../../src/proxy/dhcp/lease.plan.js';
import {
  decodeMessage,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  type DhcpMessage,
} from '../../../src/proxy/dhcp/message.codec.js';
import { planReply } from '../../../src/proxy/dhcp/reply.plan.js';

const LONG = 'label.'.repeat(30);

/** Whatever is accepted is encoded to a message that reads the same, and each answer is one that clients can read. */
export const target = {
  name: 'dhcp-message',
  tokens: [
    '\x63\x82\x53\x63',
    '\x35\x01\x01',
    '\x35\x01\x03',
    '\x35\x01\x04',
    '\x35\x01\x08',
    '\x34\x01\x03',
    '\x34\x01\x01',
    '\x39\x02\x02\x40',
    '\x39\x02\xff\xff',
    '\x32\x04\x0a\x00\x4b\x02',
    '\x36\x04\x0a\x00\x4b\x01',
    '\x37\x05\x01\x03\x77\x2a\x1a',
    '\x3d\xff',
    '\x00\x00\x00\x00',
    '\xff',
  ],
  run(input: Buffer): void {
    try {
      const message = decodeMessage(input);
      deepStrictEqual(decodeMessage(encodeMessage(message)), message);
      for (const lease of LEASES) answer(message, lease);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
    }
  },
};

const LEASES: readonly LeaseRecord[] = [
  FRESH_LEASE,
  { state: 'bound', expiresAtMs: 2_000, lastSeenMs: 500 },
  { state: 'bound', expiresAtMs: 900, lastSeenMs: 500 },
];

function answer(message: DhcpMessage, lease: LeaseRecord): void {
  const config = {
    serverAddress: parseIpv4('10.0.75.1'),
    subnet: parseSubnet('10.0.75.0/24'),
    lease: {
      // The client's own, so that mutations of it lead somewhere.
      mac: macFromBytes(message.clientHardwareAddress),
      address: parseIpv4('10.0.75.2'),
      hostname: 'moby',
    },
    domain: 'mobyvm.internal',
    domainSearch: ['corp.example', 'lab.corp.example', LONG, `${LONG}${LONG}`],
    ntpServers: [parseIpv4('192.0.2.7')],
    mtuBytes: 1480,
    leaseSeconds: 600,
  };
  const decision = planLease(message, lease, config, 1_000);
  if (decision.kind !== 'answer') return;
  const { message: reply, destination } = planReply(message, decision.answer, config);
  const bytes = encodeMessage(reply);
  ok(bytes.length <= MAX_MESSAGE_BYTES, `an answer of ${bytes.length} bytes`);
  deepStrictEqual(decodeMessage(bytes), reply);
  ok(destination === '255.255.255.255' || subnetContains(config.subnet, destination), destination);
}
