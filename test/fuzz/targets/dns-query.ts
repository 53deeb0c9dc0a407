import { strictEqual } from 'node:assert/strict';
import { parseIpv4, parseSubnet } from '../../../src/core/values/index.js';
import { fitToUdp, udpLimitOf } from '../../../src/proxy/dns/answer.plan.js';
import { hostTable } from '../../../src/proxy/dns/host-table.plan.js';
import { LocalZone } from '../../../src/proxy/dns/local-zone.plan.js';
import { decodeMessage, decodeSections } from '../../../src/proxy/dns/message.codec.js';
import { planQuery } from '../../../src/proxy/dns/query.plan.js';
import { sharingKey } from '../../../src/proxy/dns/shared-answer.plan.js';
import type { FuzzTarget } from '../target.js';

const zone = new LocalZone({
  serverAddress: parseIpv4('10.0.75.1'),
  subnet: parseSubnet('10.0.75.0/24'),
  names: new Map([['moby.mobyvm.internal', parseIpv4('10.0.75.2')]]),
  settingsHosts: hostTable([{ address: '192.0.2.7', names: ['db.test'] }]),
  hostsFile: hostTable([{ address: '2001:db8::7', names: ['six.test', 'printer.local'] }]),
  servedDomains: ['corp.local'],
});

/** Whatever a client sends gets a complete message back, or none, or is forwarded. */
export const target: FuzzTarget = {
  name: 'dns-query',
  tokens: [
    '\x00',
    '\xc0\x0c',
    '\xc0\xff',
    '\x3f',
    '\x40',
    '\x00\x01\x00\x01',
    '\x00\xff\x00\x01',
    '\x00\xfc\x00\x01',
    '\x00\x0c\x00\x01',
    '\x04host\x06docker\x08internal\x00',
    '\x02db\x04test\x00',
    '\x07printer\x05local\x00',
    '\x011\x0275\x010\x0210\x07in-addr\x04arpa\x00',
    '\x03ip6\x04arpa\x00',
    '\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00',
    '\x00\x00\x29\xff\xff\x01\x01\x80\x00\x00\x04\x00\x0a\x00\x00',
  ],
  run(input) {
    const decision = planQuery(new Uint8Array(input), zone);
    if (decision.kind === 'drop') return;
    if (decision.kind === 'forward') return void sharingKey(decision.query);
    const { answer, query } = decision;
    decodeSections(answer);
    strictEqual(answer.bytes[0], input[0]);
    strictEqual(answer.header.isResponse, true);
    if (query === undefined) return;
    const sent = fitToUdp(answer, query);
    strictEqual(sent.length <= Math.max(udpLimitOf(query), 512), true);
    decodeSections(decodeMessage(sent));
  },
};
