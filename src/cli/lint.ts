import { type Command, Option } from 'commander';
import { guarded } from './guarded.ts';
import { type KdlFlags, problemsOf, problemsText } from './kdl/read-kdl.ts';

const help = `
What weft validate finds in the text, and a warning counts too: options without effect, upstreams that no route uses, routes that take
everything, spellings of KDL v1. No file but those that are named is read.

Exit code: 0 when nothing was found, 1 when something was, 2 when it could not look.

Examples:
  weft lint edge.kdl
  weft lint -o json *.kdl`;

/** Adds the command `lint`. */
export function register(program: Command): void {
  program
    .command('lint <file...>')
    .summary("say what is odd about a gateway's configuration in KDL")
    .description("say what is odd about a gateway's configuration in KDL (Sentinel's dialect); - reads stdin")
    .addOption(new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', help)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .action(guarded(lint, 2));
}

async function lint(names: readonly string[], { output }: KdlFlags): Promise<void> {
  const problems = problemsOf(names, false);
  process.stdout.write(`${problemsText(problems, output)}\n`);
  if (problems.length > 0) process.exitCode = 1;
}
