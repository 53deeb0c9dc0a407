/** The last number of users and groups: the kernel keeps the one after it for none. */
export const MAX_FILE_ID = 4_294_967_294;

export const MAX_FILE_MODE = 0o777;

/** Permission bits as users write them: `755` or `0755`. */
export const OCTAL_MODE = /^0?[0-7]{3}$/;

/** @param text that matches `OCTAL_MODE` */
export function parseOctalMode(text: string): number {
  return Number.parseInt(text, 8);
}

/** With a zero in front, as `0755`. */
export function formatOctalMode(bits: number): string {
  return `0${bits.toString(8).padStart(3, '0')}`;
}
