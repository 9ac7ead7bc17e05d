// The time between two scrapes, once or again and again.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import { systemClock } from '../../time/index.ts';
import { choosePods, type MeshPod, openMesh, type ProxyFlags } from '../proxies/index.ts';
import { type Screen, screenOf } from '../table.ts';
import { type Scrapes, scrapeAll } from './scrape.ts';

/** The flags of commands that scrape twice. */
export interface WindowFlags extends ProxyFlags {
  readonly output: string;
  readonly window: number;
  readonly watch?: boolean;
}

/** Adds --window, --watch and -o. */
export function windowFlags(command: Command): Command {
  return command
    .option('--window <seconds>', 'the time between the two scrapes, 1 to 300', seconds, 5)
    .option('-w, --watch', 'again and again, until interrupted')
    .addOption(
      new Option('-o, --output <format>', 'text, wide, json or yaml')
        .choices(['text', 'wide', 'json', 'yaml'])
        .default('text'),
    );
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d{1,3}(?:\.\d{1,3})?$/.test(text) && value >= 1 && value <= 300) return value;
  throw new InvalidArgumentError('give seconds from 1 to 300');
}

/** Prints what `of` makes of each window; `text` for people. */
export async function printWindows<T>(
  flags: WindowFlags,
  target: string | undefined,
  of: (pods: readonly MeshPod[], before: Scrapes, after: Scrapes) => T,
  text: (figures: T, wide: boolean, screen: Screen) => string,
): Promise<void> {
  const mesh = await openMesh(flags);
  const scrape = async () => {
    const pods = (await choosePods(mesh, flags, target)).filter(({ phase }) => phase === 'Running');
    return { pods, scrapes: await scrapeAll(mesh, pods, systemClock) };
  };
  let before = await scrape();
  do {
    // Without any pod there is nothing to wait for.
    const waits = before.pods.length > 0 || flags.watch;
    if (waits) await new Promise(resolve => setTimeout(resolve, flags.window * 1000));
    const after = waits ? await scrape() : before;
    print(of(after.pods, before.scrapes, after.scrapes), flags, text);
    before = after;
  } while (flags.watch);
}

/** Prints what was found once, or once more: on a terminal in the place of what was there before. */
export function print<T>(
  figures: T,
  { output, watch }: Pick<WindowFlags, 'output' | 'watch'>,
  text: (figures: T, wide: boolean, screen: Screen) => string,
): void {
  if (output === 'json') process.stdout.write(`${JSON.stringify(figures, undefined, watch ? 0 : 2)}\n`);
  else if (output === 'yaml') process.stdout.write(`${watch ? '---\n' : ''}${stringify(figures)}`);
  else {
    const clear = watch && process.stdout.isTTY ? '\x1b[H\x1b[J' : '';
    const shown = text(figures, output === 'wide', screenOf());
    process.stdout.write(`${clear}${shown}\n${watch ? '\n' : ''}`);
  }
}
