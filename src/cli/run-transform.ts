import { WeftError } from '../errors/index.ts';
import { readInputs } from './input.ts';
import { type ChangeObject, transform } from './transform.ts';

/**
 * Runs an inject or uninject from inputs to stdout, with the report on stderr. Sets the exit code: 0 when the output is
 * complete (also when everything was skipped), 1 when something was refused or unreadable, and then stdout stays empty.
 */
export async function runTransform(
  names: readonly string[],
  change: ChangeObject,
  words: { readonly changed: string; readonly namespace: string; readonly quiet?: boolean },
): Promise<void> {
  try {
    const { output, report } = transform(await readInputs(names), change, words);
    if (output === undefined) process.exitCode = 1;
    else process.stdout.write(output);
    if (output === undefined || !words.quiet) for (const line of report) process.stderr.write(`${line}\n`);
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = 1;
  }
}
