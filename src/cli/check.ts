import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_REVISION, SYSTEM_NAMESPACE } from '../config/index.ts';
import { systemClock } from '../time/index.ts';
import {
  CheckContext,
  type Checked,
  checksFor,
  checkText,
  isFailed,
  isUnderWay,
  runChecks,
} from './check/index.ts';
import { guarded } from './guarded.ts';
import { type Cluster, type ClusterFlags, clusterFlags, connect } from './kubernetes/connect.ts';
import { meantBy, readRevisions } from './revision/revisions.ts';

const help = `
Reads the cluster and changes nothing; a pod and a ConfigMap are created as dry runs. Every finding comes with its remedy. Exit code 1
when anything is an error.

Examples:
  weft check --pre
  weft check --wait 60
  weft check --revision canary
  weft check -o json | jq '.[].findings[] | select(.result != "ok")'`;

interface CheckFlags extends ClusterFlags {
  readonly pre?: boolean;
  readonly namespace: string;
  readonly revision?: string;
  readonly wait?: number;
  readonly output: string;
}

/** Adds the command `check`. */
export function register(program: Command): void {
  const command = program
    .command('check')
    .summary('see whether Weft is well in a cluster, and what to do where it is not')
    .description('check the cluster, the control plane and the pods of the mesh');
  clusterFlags(command)
    .option('--pre', 'whether Weft can be installed, instead')
    .option('-n, --namespace <name>', 'where the control plane runs', SYSTEM_NAMESPACE)
    .option('--revision <name>', 'which of several control planes (default: who is the default)')
    .option(
      '--wait <seconds>',
      'try again until nothing is an error and every replica is ready, for at most this long',
      seconds,
    )
    .addOption(new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', help)
    .action(guarded(check));
}

function seconds(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('give whole seconds, such as 90');
}

/** The default, or who has taken its place. */
async function mainRevision(cluster: Cluster, namespace: string): Promise<string> {
  // What cannot be read is a finding of the checks.
  const all = await readRevisions(cluster, namespace).catch(() => undefined);
  const isThere = all?.revisions.some(each => each.name === DEFAULT_REVISION);
  if (all === undefined || isThere) return DEFAULT_REVISION;
  return meantBy(all, DEFAULT_REVISION) ?? all.revisions[0]?.name ?? DEFAULT_REVISION;
}

async function check(flags: CheckFlags): Promise<void> {
  const cluster = await connect(flags);
  const endMs = systemClock.monotonic() + (flags.wait ?? 0) * 1000;
  let done: Checked[];
  for (;;) {
    const revision = flags.revision ?? (await mainRevision(cluster, flags.namespace));
    done = await runChecks(
      checksFor(flags.pre === true),
      new CheckContext(cluster, flags.namespace, revision),
    );
    if (!isUnderWay(done) || !(systemClock.monotonic() < endMs)) break;
    await new Promise(resolve => setTimeout(resolve, 2_000));
  }
  process.stdout.write(
    flags.output === 'json' ? `${JSON.stringify(done, undefined, 2)}\n` : `${checkText(done)}\n`,
  );
  if (isFailed(done)) process.exitCode = 1;
}
