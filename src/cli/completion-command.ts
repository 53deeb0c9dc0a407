import { EXIT_OK } from '../protocol/exit-code.js';
import { command } from './command.js';
import { COMPLETION_SCRIPTS, SHELLS } from './completion-scripts.js';

export const completionCommand = command({
  name: 'completion',
  args: '<shell>',
  summary: 'Print a script that completes commands in a shell',
  details:
    'Completes commands, options and their values, and asks the daemon for shares and items. Put the line of the example into the start-up file of your shell: ~/.bashrc, ~/.zshrc after compinit, ~/.config/fish/config.fish or $PROFILE.',
  positionals: {
    shell: { choices: SHELLS, demandOption: true, describe: 'Shell that the script is for' },
  },
  examples: [
    ['mobyvm completion bash', 'source <(mobyvm completion bash), likewise zsh'],
    ['mobyvm completion fish', 'mobyvm completion fish | source'],
    ['mobyvm completion powershell', 'mobyvm completion powershell | Out-String | Invoke-Expression'],
  ],
  run: ({ terminal }, { shell: name }) => {
    terminal.out(COMPLETION_SCRIPTS[name].trimEnd());
    return Promise.resolve(EXIT_OK);
  },
});
