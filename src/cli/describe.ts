import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import type { ObjectMesh } from '../analyze/index.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import type { Service, Workload } from '../model/index.ts';
import { systemClock } from '../time/index.ts';
import {
  behindOf,
  describeNamespace,
  describePod,
  describeService,
  strangerOf,
} from './describe/describe.ts';
import { droppedContexts } from './describe/dropped-context.ts';
import type { Description, PodDescription, ServiceDescription } from './describe/facts.ts';
import { findNamespace, findService, findWorkload } from './describe/subject.ts';
import { descriptionText } from './describe/text.ts';
import { guarded } from './guarded.ts';
import { loadMesh, type MeshFlags, meshFlags } from './mesh/index.ts';
import { openMesh } from './proxies/index.ts';
import { collectStatus } from './proxy-status/collect.ts';
import type { ProxyState } from './proxy-status/proxy-state.ts';
import { findCaller } from './route/caller.ts';
import { screenOf } from './table.ts';

const help = `
In plain words: whether it is in the mesh, and why not; its ports, what they speak and let in; the rules that lead to it, with weights, time
limits and retries; the objects that hold for it; how its proxy is; what is wrong, with remedies. Changes nothing.

Examples:
  weft describe pod web-7d9f-x2b -n shop
  weft describe service reviews --from shop/productpage -f manifests/
  weft describe ns shop --sandbox
  weft describe svc shop/cart -o json`;

/** Proxies that are asked about the app of a Service: its pods run the same one. */
const askedOfService = 20;

interface DescribeFlags extends MeshFlags {
  readonly namespace?: string;
  readonly from?: string;
  readonly output: string;
}

/** Adds the command `describe`. */
export function register(program: Command): void {
  const command = program
    .command('describe')
    .summary('in plain words: what holds for a pod, a Service or a namespace, and what is wrong with it')
    .description('what holds for a pod, a Service or a namespace, and what is wrong with it, in plain words')
    .addHelpText('after', help);
  add(command, 'pod', 'a pod, or the first one of a workload', 'NAME or NAMESPACE/NAME').action(
    guarded((target: string, flags: DescribeFlags) => print(flags, loaded => pod(loaded, target, flags))),
  );
  add(command, 'service', 'a Service', 'NAME, NAMESPACE/NAME or the host')
    .alias('svc')
    .option(
      '--from <workload>',
      'who calls it: NAMESPACE/NAME of a pod or its workload (default: somebody of its namespace)',
    )
    .action(
      guarded((target: string, flags: DescribeFlags) =>
        print(flags, loaded => service(loaded, target, flags)),
      ),
    );
  add(command, 'namespace', 'a namespace', 'its name')
    .alias('ns')
    .action(
      guarded((target: string, flags: DescribeFlags) =>
        print(flags, loaded => describeNamespace(loaded, findNamespace(loaded, target))),
      ),
    );
}

function add(command: Command, name: string, summary: string, argument: string): Command {
  const added = meshFlags(command.command(name).description(summary).argument('<name>', argument));
  if (name !== 'namespace')
    added.option('-n, --namespace <name>', 'where it is; needed where several have one of its name');
  return added.addOption(
    new Option('-o, --output <format>', 'text, json or yaml')
      .choices(['text', 'json', 'yaml'])
      .default('text'),
  );
}

async function print(
  flags: DescribeFlags,
  describe: (loaded: ObjectMesh) => Description | Promise<Description>,
): Promise<void> {
  const loaded = await loadMesh(flags);
  // What is wrong with single objects stands in the findings; what could not be read at all is missing from them.
  for (const { severity, message } of loaded.problems.filter(each => each.object === undefined))
    process.stderr.write(`${severity}: ${message}\n`);
  const description = await describe(loaded);
  process.stdout.write(`${formatted(description, flags.output)}\n`);
}

function formatted(description: Description, output: string): string {
  if (output === 'json') return JSON.stringify(description, undefined, 2);
  if (output === 'yaml') return stringify(description).trimEnd();
  return descriptionText(description, screenOf());
}

async function pod(loaded: ObjectMesh, target: string, flags: DescribeFlags): Promise<PodDescription> {
  const workload = findWorkload(loaded.mesh, target, flags.namespace);
  const description = describePod(loaded, workload);
  if (flags.file !== undefined || !workload.meshed) return description;
  return { ...description, ...(await proxyOf(workload.namespace, workload.name, flags)) };
}

/** How the proxy is, or why nobody can tell. */
async function proxyOf(
  namespace: string,
  name: string,
  flags: DescribeFlags,
): Promise<Pick<PodDescription, 'proxy' | 'proxyUnknown'>> {
  try {
    const proxies = await statesOf(namespace, new Set([name]), flags);
    return proxies[0] ? { proxy: proxies[0] } : { proxyUnknown: 'its pod is not there any more' };
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    return { proxyUnknown: errorMessage(error) };
  }
}

async function statesOf(
  namespace: string,
  names: ReadonlySet<string>,
  flags: DescribeFlags,
): Promise<readonly ProxyState[]> {
  const mesh = await openMesh(flags);
  const pods = (await mesh.pods(namespace)).filter(each => names.has(each.name));
  return (await collectStatus(mesh, pods, systemClock.now())).proxies;
}

async function service(loaded: ObjectMesh, target: string, flags: DescribeFlags): Promise<Description> {
  const { namespace, from } = flags;
  const found = findService(loaded.mesh, target, namespace);
  const description = asCallerMeets(loaded, found, namespace, from);
  if (flags.file !== undefined) return description;
  const behind = behindOf(loaded.mesh, found).filter(({ meshed }) => meshed);
  return { ...description, ...(await droppedBy(behind.slice(0, askedOfService), flags)) };
}

function asCallerMeets(
  loaded: ObjectMesh,
  found: Service,
  namespace: string | undefined,
  from: string | undefined,
): ServiceDescription {
  if (from === undefined)
    return describeService(
      loaded,
      found,
      strangerOf(found.namespace),
      `somebody of namespace ${found.namespace}`,
    );
  const { caller, shown } = findCaller(loaded.mesh, from, namespace ?? found.namespace);
  return describeService(loaded, found, caller, `${shown.name || 'somebody'} in ${shown.namespace}`);
}

/** What the proxies of these pods say of their apps. Nothing where they cannot be asked: see `weft describe pod`. */
async function droppedBy(
  pods: readonly Workload[],
  flags: DescribeFlags,
): Promise<Pick<ServiceDescription, 'droppedContext'>> {
  const [first] = pods;
  if (first === undefined) return {};
  try {
    const states = await statesOf(first.namespace, new Set(pods.map(({ name }) => name)), flags);
    const droppedContext = droppedContexts(states);
    return droppedContext.length === 0 ? {} : { droppedContext };
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    return {};
  }
}
