/** Names with a meaning of their own: sections of smb.conf(5), pipes and mailslots of Windows. */
const SPECIAL_NAMES = ['global', 'homes', 'printers', 'print$', 'ipc$', 'pipe', 'mailslot'];

/**
 * The name of a share on the wire. SMB compares these without regard to case, ids of shares are exact: the name
 * of an id with capitals, other than a drive's, carries its case as a number. `$` is in no id.
 */
export function wireName(id: string): string {
  if (isDrive(id)) return id;
  const lower = id.toLowerCase();
  if (lower !== id) return `${lower}$${caseNumber(id)}`;
  return SPECIAL_NAMES.includes(id) || id.length === 1 ? `${id}$0` : id;
}

/** Whether the id of a share is a drive's letter. */
export function isDrive(id: string): boolean {
  return /^[A-Z]$/.test(id);
}

function caseNumber(id: string): string {
  const bits = Array.from(id, (letter) => (letter === letter.toLowerCase() ? '0' : '1')).join('');
  return BigInt(`0b${bits}`).toString(36);
}
