import { systemLibrary, type Address } from './libraries.js';

const iphlpapi = systemLibrary('iphlpapi.dll');

type GetTable = (
  into: Address | null,
  length: Uint32Array,
  isSorted: number,
  family: number,
  kind: number,
  reserved: number,
) => number;

/** https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getextendedtcptable */
export const getExtendedTcpTable: GetTable = iphlpapi.func(
  'uint32 __stdcall GetExtendedTcpTable(void *into, void *length, int sorted, uint32 family, int kind, uint32 reserved)',
);
/** https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getextendedudptable */
export const getExtendedUdpTable: GetTable = iphlpapi.func(
  'uint32 __stdcall GetExtendedUdpTable(void *into, void *length, int sorted, uint32 family, int kind, uint32 reserved)',
);

/** TCP_TABLE_OWNER_PID_LISTENER and UDP_TABLE_OWNER_PID. */
export const TABLE_KIND = { tcp: 3, udp: 1 } as const;
/** AF_INET and AF_INET6 of winsock2.h. */
export const ADDRESS_FAMILY = { any: 0, inet: 2, inet6: 23 } as const;

/** https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getadaptersaddresses */
export const getAdaptersAddresses: (
  family: number,
  flags: number,
  reserved: null,
  into: Address | null,
  length: Uint32Array,
) => number = iphlpapi.func(
  'uint32 __stdcall GetAdaptersAddresses(uint32 family, uint32 flags, void *reserved, void *into, void *length)',
);

/**
 * Signals the event of the OVERLAPPED at the next change of the host's IPv4 addresses. ERROR_IO_PENDING is success.
 * https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-notifyaddrchange
 */
export const notifyAddrChange: (handle: BigInt64Array, overlapped: Address) => number = iphlpapi.func(
  'uint32 __stdcall NotifyAddrChange(void *handle, void *overlapped)',
);

/** https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-cancelipchangenotify */
export const cancelIpChangeNotify: (overlapped: Address) => number = iphlpapi.func(
  'int __stdcall CancelIPChangeNotify(void *overlapped)',
);
