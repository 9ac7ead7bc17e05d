import type { Command } from 'commander';
import { uninjectObject } from '../../webhook/index.ts';
import { runTransform } from './run-transform.ts';

const help = `
Takes out what weft inject put in, by the record that it left in the annotation weft.dev/status, and puts probes,
commands and annotations back as they were. What was edited since stays edited.

Example:
  kubectl get deploy web -o yaml | weft uninject | kubectl apply -f -`;

/** Adds the command `uninject`. */
export function register(program: Command): void {
  program
    .command('uninject')
    .summary('take the proxy out of Kubernetes YAML again')
    .description('take the proxy out of the pods in Kubernetes YAML, from files or stdin to stdout')
    .argument('[files...]', 'files or folders; - or nothing for stdin')
    .option('-f, --file <file...>', 'the same, for those who are used to kubectl')
    .option('-q, --quiet', 'report only what stops it')
    .addHelpText('after', help)
    .action(async (files: readonly string[], flags: { file?: readonly string[]; quiet?: boolean }) => {
      const words = { changed: 'uninjected', namespace: 'default', quiet: flags.quiet };
      await runTransform([...files, ...(flags.file ?? [])], uninjectObject, words);
    });
}
