/**
 * A bind as the Engine API has it (Docker's `volumes` syntax, moby daemon/volume/mounts):
 * `source:target[:options]`. `options` is kept as it is: `ro`, `rw`, `z`, `cached`, `delegated`, `rshared` and the like.
 */
export interface BindSpec {
  readonly source: string;
  readonly target: string;
  readonly options: string | undefined;
}

/** A drive at the start, perhaps after `\\?\`; its colon ends no source. */
const DRIVE = /^(?:[\\/]{2}[?.][\\/])?[A-Za-z]:(?=[\\/:])/;

/**
 * Takes a bind apart, or returns undefined where there is no source: `/data` alone is a volume without a name. In
 * `c:/data` and `c:/data:ro` the letter is a volume's name; in `c:/data:/target` it is a drive.
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

/** A pipe's name may hold a colon; its target never starts without a slash or a pipe. */
function pipeEnd(text: string): number | undefined {
  const [start] = /^[\\/]{2}[.?][\\/]pipe[\\/]/i.exec(text) ?? [];
  if (start === undefined) return undefined;
  const end = text.slice(start.length).search(/:(?=[\\/])/);
  return end === -1 ? undefined : start.length + end;
}
