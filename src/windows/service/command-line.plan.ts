/**
 * Arguments as one command line, from which a program gets the same arguments: backslashes count as themselves unless a
 * quotation mark follows. https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments
 */
export function windowsCommandLine(args: readonly string[]): string {
  return args.map(quoted).join(' ');
}

/** Always with quotation marks: a path with spaces and without them could start another program. */
function quoted(text: string): string {
  const escaped = text.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1');
  return `"${escaped}"`;
}
