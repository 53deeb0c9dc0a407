import { describe, expect, it } from 'vitest';
import { parseSocketTable } from '../../../../src/proxy/port-owner.js';

const UDP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1056: 014B000A:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 48501 2 00000000 0
 1057: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 48502 2 00000000 0
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7001 1 00000000 100 0 0 10 0
   1: 0000000000000000FFFF0000014B000A:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7002 1 00000000 100 0 0 10 0
   2: 00000000000000000000000001000000:0052 00000000000000000000000001000000:D431 01 00000000:00000000 00:00000000 00000000     0        0 7003 1 00000000 100 0 0 10 0
   3: 00000000000000000000000001000000:0053 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7004 1 00000000 100 0 0 10 0
`;

describe('the system’s table of sockets', () => {
  it('gives address, port and inode of UDP sockets', () => {
    expect(parseSocketTable(UDP, 'udp')).toEqual([
      { address: '10.0.75.1', port: 67, inode: '48501' },
      { address: '*', port: 68, inode: '48502' },
    ]);
  });

  it('gives only the listening TCP sockets, IPv4 in its own form', () => {
    expect(parseSocketTable(TCP6, 'tcp')).toEqual([
      { address: '*', port: 80, inode: '7001' },
      { address: '10.0.75.1', port: 81, inode: '7002' },
      { address: '00000000000000000000000001000000', port: 83, inode: '7004' },
    ]);
  });

  it('gives nothing for lines that are none', () => {
    expect(parseSocketTable('', 'udp')).toEqual([]);
    expect(parseSocketTable('head\nnonsense\n 1: xyz:0043 a b c d e f g h\n', 'udp')).toEqual([]);
  });
});
