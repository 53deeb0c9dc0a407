import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipv4FromNumber } from '../../../../src/core/values/index.js';
import { parseSocketTable } from '../../../../src/daemon/linux/socket-table.codec.js';

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

const UNCONNECTED = { address: '*', port: 0 };

describe('the kernel’s socket table', () => {
  it('has the address, port and inode of UDP sockets', () => {
    expect(parseSocketTable(UDP, 'udp')).toEqual([
      { address: '10.0.75.1', port: 67, peer: UNCONNECTED, inode: '48501' },
      { address: '*', port: 68, peer: UNCONNECTED, inode: '48502' },
    ]);
  });

  it('has what a UDP socket is connected to', () => {
    const connected = UDP.replace('00000000:0000 07', '0200007F:1E62 01');
    expect(parseSocketTable(connected, 'udp')[0]?.peer).toEqual({ address: '127.0.0.2', port: 7778 });
  });

  it('has only the listening TCP sockets, with mapped IPv4 addresses as IPv4', () => {
    expect(parseSocketTable(TCP6, 'tcp')).toEqual([
      { address: '*', port: 80, peer: UNCONNECTED, inode: '7001' },
      { address: '10.0.75.1', port: 81, peer: UNCONNECTED, inode: '7002' },
      { address: '00000000000000000000000001000000', port: 83, peer: UNCONNECTED, inode: '7004' },
    ]);
  });

  it('skips malformed lines', () => {
    expect(parseSocketTable('', 'udp')).toEqual([]);
    expect(parseSocketTable('head\nnonsense\n 1: xyz:0043 a b c d e f g h\n', 'udp')).toEqual([]);
    expect(parseSocketTable(UDP.replaceAll(':00', ':zz'), 'udp')).toEqual([]);
  });

  it('has every address and port as the kernel printed it', () => {
    const u32 = fc.nat(0xffffffff).filter((value) => value !== 0);
    fc.assert(
      fc.property(u32, fc.nat(0xffff), (address, port) => {
        const bytes = new DataView(new ArrayBuffer(4));
        bytes.setUint32(0, address, true);
        const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0');
        const line = ` 1: ${hex(bytes.getUint32(0), 8)}:${hex(port, 4)} 00000000:0000 07 0:0 0:0 0 0 0 7 2 0 0`;
        expect(parseSocketTable(`head\n${line}\n`, 'udp')).toEqual([
          { address: ipv4FromNumber(address), port, peer: UNCONNECTED, inode: '7' },
        ]);
      }),
    );
  });

  it('truncated anywhere, or of arbitrary text, gives whole sockets or none', () => {
    const ports = new Set([67, 68]);
    for (let end = 0; end < UDP.length; end += 1)
      for (const { port } of parseSocketTable(UDP.slice(0, end), 'udp')) expect(ports).toContain(port);
    fc.assert(fc.property(fc.string(), (text) => void parseSocketTable(text, 'tcp')));
  });
});
