/** What a connection that the guest opened is for. */
export const LINK_PURPOSES = ['share-health', 'share-events'] as const;
export type LinkPurpose = (typeof LINK_PURPOSES)[number];

/** A connection from a program of the guest, which has shown the machine's token: lines of UTF-8 both ways. */
export interface GuestLink {
  readonly purpose: LinkPurpose;
  /** Lines from the guest, without their end. The guest is not trusted: too long a line closes the link. */
  onLine(listener: (line: string) => void): void;
  onClose(listener: () => void): void;
  /** Sends a line; false if more than the high-water mark is waiting now. */
  send(line: string): boolean;
  /** Resolves when what was sent has left, or the link is closed. */
  drained(): Promise<void>;
  close(): void;
}
