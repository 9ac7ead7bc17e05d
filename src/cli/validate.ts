import { type Command, Option } from 'commander';
import { guarded } from './guarded.ts';
import { type KdlFlags, problemsOf, problemsText } from './kdl/read-kdl.ts';

const help = `
Says of every line what is wrong with it, and of certificates whether they are there, good, and fit their keys. Nothing is called over
the network. docs/policies/sentinel.md has every option.

Exit code: 0 when nothing is an error, 1 when something is, 2 when it could not look.

Examples:
  weft validate edge.kdl
  weft validate --no-files edge.kdl     # where the certificates are elsewhere
  weft validate -o json edge.kdl`;

/** Adds the command `validate`. */
export function register(program: Command): void {
  program
    .command('validate <file...>')
    .summary("say whether a gateway's configuration in KDL can be used")
    .description(
      "say whether a gateway's configuration in KDL (Sentinel's dialect) can be used; - reads stdin",
    )
    .option('--no-files', 'leave the files of certificates alone')
    .addOption(new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', help)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .action(guarded(validate, 2));
}

async function validate(names: readonly string[], { files, output }: KdlFlags): Promise<void> {
  const problems = problemsOf(names, files);
  process.stdout.write(`${problemsText(problems, output)}\n`);
  if (problems.some(each => each.severity === 'error')) process.exitCode = 1;
}
