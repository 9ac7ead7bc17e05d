// weft authz suggest: policies from what was observed.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SYSTEM_NAMESPACE } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { MAX_TAP_RPS } from '../../live/tap/index.ts';
import { parseDurationMs } from '../../model/index.ts';
import { countValue } from '../flag-values.ts';
import { guarded } from '../guarded.ts';
import { loadMesh, type MeshFlags, meshFlags } from '../mesh/index.ts';
import { gatherFiles, gatherLive } from './suggest/gather.ts';
import { DETAILS, type Detail } from './suggest/rules.ts';
import { suggestionOf } from './suggest/suggestion.ts';

const help = `
Least privilege from what was seen: for each workload which identities called which ports, with which methods and paths; ids in paths become {*}.
Default deny is proposed for a namespace once every workload of it that is called is known well enough. Nothing is applied. What is printed says from
how many requests each rule follows, what was left out, and that all that was served would still be allowed: the code that proxies run is asked.

Watches for --for, after what proxies have kept and counted; or reads what 'weft tap -o json' or 'weft logs -o json' have printed. Everything that is to be
allowed must happen meanwhile: watch a whole day, with its jobs, and try policies out with --audit first. Needs the rights of weft tap (docs/live.md).

Examples:
  weft authz suggest -n shop --for 10m > policies.yaml
  weft authz suggest -n shop --for 10m --audit | kubectl apply -f -
  weft tap -n shop --direction inbound --max-rps 1000 -o json > seen.jsonl     # for a day
  weft authz suggest --observed seen.jsonl -f manifests/
  weft authz suggest --sandbox --for 30s --detail methods`;

interface SuggestFlags extends MeshFlags {
  readonly namespace?: string;
  readonly observed?: readonly string[];
  readonly for: number;
  readonly atLeast: number;
  readonly detail: Detail;
  readonly audit?: boolean;
  readonly absent?: boolean;
  readonly maxRps: number;
  readonly systemNamespace: string;
  readonly controlPlane?: string;
  readonly tokenFile?: string;
}

/** Adds the command `suggest` to `weft authz`. */
export function registerSuggest(authz: Command): void {
  const command = authz
    .command('suggest')
    .summary('propose policies from what was observed')
    .description('propose policies from what was observed');
  meshFlags(command)
    .option('-n, --namespace <name>', 'only workloads of this namespace')
    .option(
      '--observed <file...>',
      'what weft tap or weft logs printed with -o json, instead of watching; - for stdin',
    )
    .option('--for <duration>', 'how long to watch', durationValue, 60_000)
    .option(
      '--at-least <requests>',
      'propose nothing for a workload of which fewer were seen; a connection counts as ten',
      countValue,
      20,
    )
    .addOption(new Option('--detail <what>', 'how much rules say').choices(DETAILS).default('paths'))
    .option('--audit', 'as dry run: they decide nothing, and what they would refuse is counted and logged')
    .option('--absent', 'allow what the app has always answered 401, 403, 404 or 405, too')
    .option(
      '--max-rps <count>',
      'how many requests a second of each proxy are looked at',
      rpsValue,
      MAX_TAP_RPS,
    )
    .option('--system-namespace <name>', 'where the control plane runs', SYSTEM_NAMESPACE)
    .option(
      '--control-plane <host:port>',
      'its live API, where you have a way there (default: a port-forward)',
    )
    .option('--token-file <file>', 'a token that the cluster knows (default: what the kubeconfig has)')
    .addHelpText('after', help)
    .action(guarded(suggest));
}

function durationValue(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 1_000) return ms;
  throw new InvalidArgumentError('give a time of a second or more, as 90s, 10m or 1h');
}

function rpsValue(text: string): number {
  const value = countValue(text);
  if (value <= MAX_TAP_RPS) return value;
  throw new InvalidArgumentError(`give a number from 1 to ${MAX_TAP_RPS}`);
}

const say = (words: string): void => void process.stderr.write(`${words}\n`);

async function suggest(flags: SuggestFlags): Promise<void> {
  const { namespace, observed, atLeast, detail, audit = false, absent = false, clusterDomain } = flags;
  if (flags.file !== undefined && observed === undefined)
    throw new WeftError(
      'nothing-observed',
      'files of YAML see no requests; say what was observed with --observed',
      {
        source: 'config',
      },
    );
  const mesh = await loadMesh(flags);
  const gathered =
    observed === undefined ? await gatherLive(flags, mesh, say) : await gatherFiles(observed, mesh);
  const { text, proof } = suggestionOf(mesh, gathered, {
    ...{ atLeast, detail, audit, all: absent, clusterDomain },
    ...(namespace !== undefined && { namespace }),
  });
  process.stdout.write(`${text}\n`);
  // Policies that stand in the way.
  if (proof.refused.length > 0) process.exitCode = 1;
}
