import type { CmdletCall, Pipeline, PowerShell } from '../../../src/powershell/index.js';

/** Counts what is sent: each pipeline is one call, whatever it consists of. */
export class CallCount {
  readonly #calls = new Map<string, number>();

  get total(): number {
    return [...this.#calls.values()].reduce((sum, each) => sum + each, 0);
  }

  /** Pipelines by the cmdlets in them, most frequent first. */
  get byPipeline(): readonly (readonly [pipeline: string, calls: number])[] {
    return [...this.#calls].sort(([, one], [, other]) => other - one);
  }

  reset(): void {
    this.#calls.clear();
  }

  /** @returns the same PowerShell, whose calls are counted */
  over(powerShell: PowerShell): PowerShell {
    return {
      read: (query, options) => {
        this.#count(query.pipeline);
        return powerShell.read(query, options);
      },
      run: (pipeline, options) => {
        this.#count(pipeline);
        return powerShell.run(pipeline, options);
      },
      close: () => powerShell.close(),
    };
  }

  #count(pipeline: Pipeline): void {
    const text = pipeline.map((stage) => ('where' in stage ? 'where' : nameOf(stage))).join(' | ');
    this.#calls.set(text, (this.#calls.get(text) ?? 0) + 1);
  }
}

function nameOf({ cmdlet, parameters }: CmdletCall): string {
  return 'Id' in parameters ? `${cmdlet} -Id` : cmdlet;
}
