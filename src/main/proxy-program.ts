// The commands of weft-proxy. `run` carries the traffic of one workload, `gateway` that of clients outside of the mesh, `init`
// writes the packet rules of a pod, `wait` holds a container's start until the proxy is ready. What each needs is loaded when it
// is the one that was asked for.
import { isMainThread } from 'node:worker_threads';
import { Command } from 'commander';
import { sentinelFile } from '../config/sentinel-file.ts';
import { VERSION } from '../config/version.ts';

/** Does what the command line asks for. */
export async function main(): Promise<void> {
  const program = new Command('weft-proxy')
    .description('The data plane of Weft: carries the traffic of one workload')
    .version(VERSION, '-V, --version')
    .showHelpAfterError('(weft-proxy COMMAND --help explains a command)');

  // A thread of `run --concurrency` has this file too.
  if (!isMainThread) await (await import('./proxy-core.ts')).runAsCore();
  // Sentinel's image takes no arguments, and a Deployment that was made for it gives none.
  if (isMainThread && process.argv.length === 2 && sentinelFile(process.env) !== undefined)
    process.argv.push('gateway');
  const wanted = isMainThread ? process.argv[2] : 'core';
  if (wanted === 'run') (await import('./proxy-run.ts')).register(program);
  else program.command('run').description('carry traffic (the container weft-proxy)').allowUnknownOption();
  if (wanted === 'gateway') (await import('./gateway-run.ts')).register(program);
  else
    program
      .command('gateway')
      .description('carry the traffic of clients outside of the mesh into it, as Gateways say')
      .allowUnknownOption();
  if (wanted === 'init') (await import('../cli/init.ts')).register(program);
  else
    program
      .command('init')
      .description("write, check or undo the pod's packet rules (the container weft-init)")
      .allowUnknownOption();
  if (wanted === 'wait') (await import('./proxy-wait.ts')).register(program);
  else program.command('wait').description('wait until the proxy of this pod is ready').allowUnknownOption();

  // The process that carried the traffic first, once others do; see src/handover/keeper.ts.
  if (wanted === 'keep' && isMainThread)
    (await import('../handover/keeper.ts')).keep(Number(process.argv[3]), Number(process.argv[4]));

  const known = ['core', 'help', 'keep', ...program.commands.map(each => each.name())];
  if (wanted === undefined) program.outputHelp();
  // commander would answer `bogus --help` with the general help and exit code 0.
  else if (!wanted.startsWith('-') && !known.includes(wanted))
    program.error(`error: unknown command '${wanted}'`);
  else if (isMainThread && wanted !== 'keep') await program.parseAsync(process.argv);
}
