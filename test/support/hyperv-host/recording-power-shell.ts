import type { CmdletCall, Pipeline, PowerShell } from '../../../src/powershell/index.js';

/**
 * Every pipeline that was sent, once for each form: cmdlets and the names of their parameters, and values
 * where those are few.
 */
export class Recording {
  readonly #pipelines = new Map<string, Pipeline>();

  get pipelines(): readonly Pipeline[] {
    return [...this.#pipelines.values()];
  }

  /** @returns the same PowerShell, which takes notes */
  over(powerShell: PowerShell): PowerShell {
    return {
      read: (query, options) => {
        this.#note(query.pipeline);
        return powerShell.read(query, options);
      },
      run: (pipeline, options) => {
        this.#note(pipeline);
        return powerShell.run(pipeline, options);
      },
      close: () => powerShell.close(),
    };
  }

  #note(pipeline: Pipeline): void {
    const form = pipeline
      .map((stage) => ('where' in stage ? `where ${stage.where}` : formOf(stage)))
      .join(' | ');
    if (!this.#pipelines.has(form)) this.#pipelines.set(form, pipeline);
  }
}

/** All cmdlets of a pipeline, those in brackets included. */
export function cmdletsOf(pipeline: Pipeline): readonly string[] {
  return pipeline.flatMap((stage) => ('where' in stage ? [] : callsIn(stage)));
}

function callsIn({ cmdlet, parameters }: CmdletCall): readonly string[] {
  const inner = Object.values(parameters).flatMap((value) =>
    typeof value === 'object' && 'cmdlet' in value ? callsIn(value) : [],
  );
  return [...inner, cmdlet];
}

function formOf({ cmdlet, parameters }: CmdletCall): string {
  const words = Object.entries(parameters).map(([name, value]) => {
    if (typeof value === 'object' && 'cmdlet' in value) return `${name}=(${formOf(value)})`;
    const isPlain = typeof value === 'boolean' || (typeof value === 'string' && /^[A-Za-z]+$/.test(value));
    return isPlain ? `${name}=${String(value)}` : `${name}:${Array.isArray(value) ? 'list' : typeof value}`;
  });
  return [cmdlet, ...words.sort()].join(' ');
}
