/** The DHCP options that we read or write; all others are just numbers. */
export const OptionCode = {
  /** https://www.rfc-editor.org/rfc/rfc2132#section-3.1 */
  pad: 0,
  /** Four bytes. https://www.rfc-editor.org/rfc/rfc2132#section-3.3 */
  subnetMask: 1,
  /** Addresses, best first. https://www.rfc-editor.org/rfc/rfc2132#section-3.5 */
  router: 3,
  /** Addresses, best first. https://www.rfc-editor.org/rfc/rfc2132#section-3.8 */
  dnsServer: 6,
  /** Text. https://www.rfc-editor.org/rfc/rfc2132#section-3.14 */
  hostName: 12,
  /** Text. https://www.rfc-editor.org/rfc/rfc2132#section-3.17 */
  domainName: 15,
  /** u16, bytes. https://www.rfc-editor.org/rfc/rfc2132#section-5.1 */
  interfaceMtu: 26,
  /** Four bytes. https://www.rfc-editor.org/rfc/rfc2132#section-5.3 */
  broadcastAddress: 28,
  /** Addresses, best first. https://www.rfc-editor.org/rfc/rfc2132#section-8.3 */
  ntpServer: 42,
  /** Four bytes, sent by clients. https://www.rfc-editor.org/rfc/rfc2132#section-9.1 */
  requestedAddress: 50,
  /** u32, seconds. https://www.rfc-editor.org/rfc/rfc2132#section-9.2 */
  leaseTime: 51,
  /**
   * u8: 1 = `file`, 2 = `sname`, 3 = both hold options. https://www.rfc-editor.org/rfc/rfc2132#section-9.3
   */
  overload: 52,
  /** u8, see {@link MessageType}. https://www.rfc-editor.org/rfc/rfc2132#section-9.6 */
  messageType: 53,
  /** Four bytes. https://www.rfc-editor.org/rfc/rfc2132#section-9.7 */
  serverIdentifier: 54,
  /** Codes, most wanted first. https://www.rfc-editor.org/rfc/rfc2132#section-9.8 */
  parameterRequestList: 55,
  /** Text: the reason for a NAK. https://www.rfc-editor.org/rfc/rfc2132#section-9.9 */
  message: 56,
  /** u16, bytes, at least 576. https://www.rfc-editor.org/rfc/rfc2132#section-9.10 */
  maxMessageSize: 57,
  /** u32, seconds: T1. https://www.rfc-editor.org/rfc/rfc2132#section-9.11 */
  renewalTime: 58,
  /** u32, seconds: T2. https://www.rfc-editor.org/rfc/rfc2132#section-9.12 */
  rebindingTime: 59,
  /**
   * Echoed by the server (https://www.rfc-editor.org/rfc/rfc6842#section-3).
   * https://www.rfc-editor.org/rfc/rfc2132#section-9.14
   */
  clientIdentifier: 61,
  /** Names in DNS form. https://www.rfc-editor.org/rfc/rfc3397#section-2 */
  domainSearch: 119,
  /** https://www.rfc-editor.org/rfc/rfc2132#section-3.2 */
  end: 255,
} as const;

/**
 * The values of option 53: https://www.rfc-editor.org/rfc/rfc2132#section-9.6. Types above 8 are of later
 * extensions.
 */
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
