/**
 * A bind of the Engine API, `source:target[:options]` (https://docs.docker.com/engine/storage/bind-mounts/).
 * `options` is kept unchanged: `ro`, `rw`, `z`, `cached`, `delegated`, `rshared` and so on.
 */
export interface BindSpec {
  readonly source: string;
  readonly target: string;
  readonly options: string | undefined;
}

/** A drive at the start, optionally after `\\?\`; its colon does not end the source. */
const DRIVE = /^(?:[\\/]{2}[?.][\\/])?[A-Za-z]:(?=[\\/:])/;

/**
 * Parses a bind; undefined if it has no source: `/data` alone is an anonymous volume. In `c:/data` and
 * `c:/data:ro`, the letter is a volume's name; in `c:/data:/target`, it is a drive.
 */
export function decodeBindSpec(text: string): BindSpec | undefined {
  const end = sourceEnd(text);
  if (end === -1) return undefined;
  const source = text.slice(0, end);
  const rest = text.slice(end + 1);
  const colon = rest.indexOf(':');
  if (source === '' || rest === '') return undefined;
  if (colon === -1) return { source, target: rest, options: undefined };
  return { source, target: rest.slice(0, colon), options: rest.slice(colon + 1) };
}

export function encodeBindSpec({ source, target, options }: BindSpec): string {
  return options === undefined ? `${source}:${target}` : `${source}:${target}:${options}`;
}

function sourceEnd(text: string): number {
  const drive = DRIVE.exec(text)?.[0];
  if (drive === undefined) return pipeEnd(text) ?? text.indexOf(':');
  const end = text.indexOf(':', drive.length);
  const mayBeVolume = drive.length === 2 && text[2] === '/';
  if (mayBeVolume && text[end + 1] !== '/') return 1;
  return end !== -1 && mayBeVolume && end + 1 === text.length ? 1 : end;
}

/** A pipe's name may contain a colon; a target always starts with a slash or a backslash. */
function pipeEnd(text: string): number | undefined {
  const [start] = /^[\\/]{2}[.?][\\/]pipe[\\/]/i.exec(text) ?? [];
  if (start === undefined) return undefined;
  const end = text.slice(start.length).search(/:(?=[\\/])/);
  return end === -1 ? undefined : start.length + end;
}
