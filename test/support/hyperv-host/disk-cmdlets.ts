import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Handlers } from './bound.js';
import { alreadyExists, HostFailure, inUse, invalidState, notFound } from './host-failure.js';

const fileSchema = z.object({ simulatedVhdBytes: z.number() });

/** Virtual disks: a file tells its size. */
/** @param isInUse whether a machine that runs has the disk */
export function diskCmdlets(isInUse: (path: string) => boolean): Handlers {
  const mounted = new Set<string>();
  const compacted = new Set<string>();
  return {
    'New-VHD': (bound) => {
      const path = bound.text('Path');
      if (existsSync(path)) throw alreadyExists(path);
      writeDisk(path, bound.number('SizeBytes'));
      return [{ Path: path, Size: bound.number('SizeBytes') }];
    },
    'Get-VHD': (bound) => {
      const path = bound.text('Path');
      return [
        {
          ...{ Path: path, Size: diskBytes(path), VhdType: 'Dynamic', Attached: mounted.has(path) },
          FileSize: compacted.has(path) ? 40_000_000 : 100_000_000,
        },
      ];
    },
    'Mount-VHD': (bound) => {
      if (mounted.has(bound.text('Path'))) throw invalidState('eingebunden');
      if (isInUse(bound.text('Path'))) throw inUse(bound.text('Path'));
      if (bound.boolean('ReadOnly') === true) mounted.add(bound.text('Path'));
      return [];
    },
    'Optimize-VHD': (bound) => {
      if (!mounted.has(bound.text('Path'))) throw invalidState('nicht eingebunden');
      compacted.add(bound.text('Path'));
      return [];
    },
    'Dismount-VHD': (bound) => {
      if (!mounted.delete(bound.text('Path'))) throw notFound(bound.text('Path'));
      return [];
    },
    'Resize-VHD': (bound) => {
      diskBytes(bound.text('Path'));
      writeDisk(bound.text('Path'), bound.number('SizeBytes'));
      return [];
    },
  };
}

export function diskBytes(path: string): number {
  if (!existsSync(path)) throw notFound(path);
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).simulatedVhdBytes;
  } catch {
    throw new HostFailure({
      errorId: 'OperationFailed',
      category: 'NotSpecified',
      hresult: 0xc03a_0002,
      message: 'Die Datei oder das Verzeichnis ist beschädigt.',
    });
  }
}

function writeDisk(path: string, simulatedVhdBytes: number): void {
  writeFileSync(path, JSON.stringify({ simulatedVhdBytes }));
}
