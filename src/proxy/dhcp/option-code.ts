/** DHCP option codes that we read or write; every other code passes through as a number. */
export const OptionCode = {
  /** RFC 2132 §3.1 */
  pad: 0,
  /** Four bytes. RFC 2132 §3.3 */
  subnetMask: 1,
  /** Addresses, best first. RFC 2132 §3.5 */
  router: 3,
  /** Addresses, best first. RFC 2132 §3.8 */
  dnsServer: 6,
  /** Text. RFC 2132 §3.14 */
  hostName: 12,
  /** Text. RFC 2132 §3.17 */
  domainName: 15,
  /** u16, bytes. RFC 2132 §5.1 */
  interfaceMtu: 26,
  /** Four bytes. RFC 2132 §5.3 */
  broadcastAddress: 28,
  /** Four bytes, from the client. RFC 2132 §9.1 */
  requestedAddress: 50,
  /** u32, seconds. RFC 2132 §9.2 */
  leaseTime: 51,
  /** u8: 1 = `file`, 2 = `sname`, 3 = both hold options. RFC 2132 §9.3 */
  overload: 52,
  /** u8, see {@link MessageType}. RFC 2132 §9.6 */
  messageType: 53,
  /** Four bytes. RFC 2132 §9.7 */
  serverIdentifier: 54,
  /** Codes, most wanted first. RFC 2132 §9.8 */
  parameterRequestList: 55,
  /** Text: why a NAK. RFC 2132 §9.9 */
  message: 56,
  /** u16, bytes, at least 576. RFC 2132 §9.10 */
  maxMessageSize: 57,
  /** u32, seconds: T1. RFC 2132 §9.11 */
  renewalTime: 58,
  /** u32, seconds: T2. RFC 2132 §9.12 */
  rebindingTime: 59,
  /** Echoed as it came. RFC 2132 §9.14, RFC 6842 §3 */
  clientIdentifier: 61,
  /** Names in DNS form. RFC 3397 §2 */
  domainSearch: 119,
  /** RFC 2132 §3.2 */
  end: 255,
} as const;

/** The values of option 53. RFC 2132 §9.6; 8 is INFORM of RFC 2131. Later types (9 and up) are not ours to answer. */
export const MessageType = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

export type MessageType = (typeof MessageType)[keyof typeof MessageType];
