import { type Command, Option } from 'commander';
import { type Finding, analyze as findingsOf, type ProxyUses } from '../analyze/index.ts';
import { WeftError } from '../errors/index.ts';
import { analysisText } from './analyze/text.ts';
import { guarded } from './guarded.ts';
import { loadMesh, type MeshFlags, meshFlags } from './mesh/index.ts';

const help = `
Reads and changes nothing. Without -f it looks at the cluster of the kubeconfig. For files it reckons with the pods that Deployments,
StatefulSets, DaemonSets, Jobs and CronJobs ask for; a namespace that is not among the files is taken for one of the mesh.

Exit code: 0 when nothing is an error, 1 when something is (with --strict also for warnings), 2 when it could not look.

Every code with its remedy: docs/analyze.md.

Examples:
  weft analyze -f manifests/
  weft analyze -n shop --strict
  weft analyze -f . -o sarif > weft.sarif
  kustomize build prod | weft analyze -f - --ignore workload-outside-mesh
  weft analyze -n shop --sizes`;

interface AnalyzeFlags extends MeshFlags {
  readonly namespace?: string;
  readonly strict?: boolean;
  readonly ignore?: readonly string[];
  readonly sizes?: boolean;
  readonly output: 'text' | 'json' | 'sarif';
}

/** Adds the command `analyze`. */
export function register(program: Command): void {
  const command = program
    .command('analyze')
    .summary('find what is wrong with policies and workloads, before requests fail')
    .description('find what is wrong with policies and workloads, in files or in a cluster');
  meshFlags(command)
    .option('-n, --namespace <name>', 'only what is found about objects of this namespace')
    .option('--strict', 'warnings count as errors')
    .option('--ignore <code...>', 'leave findings of these codes out')
    .option(
      '--sizes',
      'ask every proxy what it used, and propose requests and limits for those that ask for too much or too little',
    )
    .addOption(
      new Option('-o, --output <format>', 'text, json or sarif (2.1.0)')
        .choices(['text', 'json', 'sarif'])
        .default('text'),
    )
    .addHelpText('after', help)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .action(guarded(analyze, 2));
}

async function analyze(flags: AnalyzeFlags): Promise<void> {
  const uses = flags.sizes ? await usesOf(flags) : undefined;
  const found = findingsOf(await loadMesh(flags), uses).filter(each => isWanted(each, flags));
  process.stdout.write(`${await rendered(found, flags.output)}\n`);
  const fails = found.some(
    ({ severity }) => severity === 'error' || (flags.strict && severity === 'warning'),
  );
  if (fails) process.exitCode = 1;
}

/** What the proxies used; those that do not tell are named on stderr, and are not taken for idle. */
async function usesOf(flags: AnalyzeFlags): Promise<ProxyUses> {
  if (flags.file)
    throw new WeftError(
      'flags-clash',
      '--sizes asks proxies that run, and -f looks at files; leave one of them out',
      {
        source: 'config',
      },
    );
  const [{ openMesh }, { askUses }] = await Promise.all([
    import('./proxies/index.ts'),
    import('./analyze/uses.ts'),
  ]);
  const { uses, troubles } = await askUses(await openMesh(flags), flags.namespace);
  for (const trouble of troubles) process.stderr.write(`not looked at: ${trouble}\n`);
  if (uses.size === 0 && troubles.length === 0)
    process.stderr.write('no pod has a proxy; there are no sizes to look at\n');
  return uses;
}

function isWanted({ code, object }: Finding, { namespace, ignore = [] }: AnalyzeFlags): boolean {
  if (ignore.includes(code)) return false;
  return namespace === undefined || object === undefined || object.namespace === namespace;
}

async function rendered(found: readonly Finding[], output: AnalyzeFlags['output']): Promise<string> {
  if (output === 'text') return analysisText(found);
  if (output === 'json') return JSON.stringify(found, undefined, 2);
  const { sarifLog } = await import('./analyze/sarif.ts');
  return JSON.stringify(sarifLog(found), undefined, 2);
}
