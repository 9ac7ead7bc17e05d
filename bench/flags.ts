// What programs of the bench are asked for on their command lines. In: the words, and which options there are. Out: values; or a
// help, or one line that says what is wrong, and the end of the program.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** The comment that a program begins with: what it measures, and how it is called. */
export function headOf(source: string): string {
  const lines = source.split('\n');
  const end = lines.findIndex(line => !line.startsWith('//'));
  return lines
    .slice(0, end)
    .map(line => line.replace(/^\/\/ ?/, ''))
    .join('\n');
}

/**
 * As parseArgs of node:util, for a program whose head tells how it is called. `--help` prints that head and ends with 0; words
 * that it does not take end it with 2 and one line. `file`: import.meta.filename of the program.
 */
export function readFlags<const Config extends ParseArgsConfig>(
  file: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  const args = config.args ?? process.argv.slice(2);
  const program = relative(process.cwd(), file);
  if (args.includes('--help') || args.includes('-h')) {
    console.log(headOf(readFileSync(file, 'utf8')));
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    // Its first sentence names the word; what follows explains `--`.
    const [what = ''] = (error as Error).message.split('. ');
    const taken = Object.keys(config.options ?? {}).map(name => `--${name}`);
    console.error(`${program}: ${what}; it takes ${taken.join(', ')} (node ${program} --help)`);
    process.exit(2);
  }
}
