/**
 * A name or path for a command that a user is advised to type: in quotes only if it needs them, and in double quotes if they
 * do, because cmd, PowerShell and a POSIX shell all take those.
 */
export function shellWord(text: string): string {
  if (/^[\w.,:@%+/-]+$/.test(text) || /^[A-Za-z]:\\[\w.\\-]*$/.test(text)) return text;
  if (!/["$`!]|\\\\|\\$/.test(text)) return `"${text}"`;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
