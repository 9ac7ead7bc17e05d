import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from './completion-script.ts';

const help = `
Examples:
  source <(weft completion bash)
  weft completion zsh > "\${fpath[1]}/_weft"
  weft completion fish > ~/.config/fish/completions/weft.fish`;

/** Adds the command `completion`; `everything` gives the program with every command in it. */
export function register(program: Command, everything: () => Promise<Command>): void {
  program
    .command('completion')
    .description('print what makes a shell complete the commands and flags of weft')
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices([...SHELLS]))
    .addHelpText('after', help)
    .action(async (shell: Shell) => {
      process.stdout.write(completionScript(shell, await everything()));
    });
}
