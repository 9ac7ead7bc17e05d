import { text } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import { WeftError } from '../errors/index.ts';
import { clusterTools, explain, groupFailures, sandboxTools, type Tools } from '../explain/index.ts';
import type { ProxyRecords, RecordQuery } from '../model/index.ts';
import { systemClock } from '../time/index.ts';
import { type AskedRecords, askAddresses, askLive, askPods } from './explain/ask-records.ts';
import { idIn } from './explain/id-of.ts';
import { explanationText, recentText } from './explain/text.ts';
import { guarded } from './guarded.ts';
import { type LiveFlags, liveFlags, openLiveApi } from './live/connect.ts';
import { type AdminEndpoint, adminAddress, adminAt, choosePods, openMesh } from './proxies/index.ts';
import { answerOf } from './route/answer.ts';
import { factsFromProxy } from './route/from-proxy.ts';
import { readUrl } from './route/request.ts';
import { routeText } from './route/text.ts';
import { screenOf } from './table.ts';

const help = `
For one request: each proxy that it came through, what each decided, and from that the cause, the object that decided and what to do. Its id
is in the response header x-request-id of every answer that a proxy gives itself, and in the access log (requestId); without an id, or with -, a
line of a log is read from stdin. For a URL: where it would go if --from sent it, and what failed on that way of late. Proxies keep failures, slow
requests and a sample of the rest for a while: docs/explain.md.

Examples:
  weft explain 4f5c7bbd-2c8f-4f0e-9a53-0d8c3f6a1e77
  kubectl logs web-7d9f-x2b -c weft-proxy | grep '"status":503' | tail -1 | weft explain
  weft explain http://reviews:9080/reviews/0 --from shop/productpage
  weft explain --recent -n shop
  weft explain --recent --sandbox -o json`;

/** Of failures of each proxy, the last so many are grouped. */
const recentAtMost = 200;
/** The control plane does not answer, or there is no way there. */
const unasked: readonly string[] = ['live-unreachable', 'live-no-way'];

interface ExplainFlags extends LiveFlags {
  readonly recent?: boolean;
  readonly from?: string;
  readonly proxy: readonly string[];
  readonly output: string;
}

/** Adds the command `explain`. */
export function register(program: Command): void {
  const command = program
    .command('explain')
    .summary('tell why a request failed: the hop, the cause, the object that decided and what to do')
    .description('tell why a request failed: the hop, the cause, the object that decided and what to do')
    .argument('[id or URL]', 'the id of a request, a URL with --from, or - for a line of a log from stdin');
  liveFlags(command)
    .option('--recent', 'recent failures instead, grouped by cause')
    .option('--from <workload>', 'for a URL: who sends it, NAMESPACE/NAME of a pod or its workload')
    .option(
      '--proxy <address>',
      'ask these proxies only, by their admin addresses; may be repeated',
      collect,
      [],
    )
    .addOption(
      new Option('-o, --output <format>', 'text, wide, json or yaml')
        .choices(['text', 'wide', 'json', 'yaml'])
        .default('text'),
    )
    .addHelpText('after', help)
    .action(guarded(run));
}

function collect(address: string, before: readonly string[]): readonly string[] {
  return [...before, address];
}

async function run(asked: string | undefined, flags: ExplainFlags): Promise<void> {
  if (flags.recent) return recent(flags);
  if (asked !== undefined && /^https?:\/\//.test(asked)) return ofUrl(asked, flags);
  return ofId(asked === undefined || asked === '-' ? await readId() : asked, flags);
}

async function ofId(id: string, flags: ExplainFlags): Promise<void> {
  const { answers, troubles } = await ask(flags, { id });
  tell(troubles);
  const explanation = explain(id, answers, await toolsOf(flags));
  if (explanation === undefined) throw notKept(id, answers);
  print(flags, explanation, () => explanationText(explanation, flags.output === 'wide'));
}

async function recent(flags: ExplainFlags): Promise<void> {
  const { answers, troubles } = await ask(flags, { kept: 'failed', limit: recentAtMost });
  tell(troubles);
  const groups = groupFailures(answers, await toolsOf(flags));
  print(flags, groups, () => {
    const lines = [recentText(groups, systemClock.now(), screenOf())];
    const silent = answers.filter(({ keeps }) => !keeps).length;
    if (silent > 0) lines.push(`note: ${silent} of ${answers.length} proxies keep no record`);
    if (groups[0]?.ids[0] !== undefined) lines.push(`weft explain ${groups[0].ids[0]} tells more`);
    return lines.join('\n');
  });
}

/** Where it would go, by the proxy of the workload, and what failed of late on that way. */
async function ofUrl(url: string, flags: ExplainFlags): Promise<void> {
  const asked = readUrl('GET', url, []);
  const admin = await adminOf(flags);
  try {
    const answer = answerOf(asked, await factsFromProxy(admin.read, asked, []));
    const records = (await admin.read('/requests?kept=failed')) as ProxyRecords;
    const { host, port } = answer.destination;
    const about = records.records.filter(
      record =>
        record.kind === 'request' && record.destination?.host === host && record.destination.port === port,
    );
    const failures = groupFailures([{ ...records, records: about }], await toolsOf(flags));
    print(flags, { route: answer, failures }, () =>
      [
        routeText(answer),
        'of late, from this proxy to there',
        recentText(failures, systemClock.now(), screenOf()),
      ].join('\n\n'),
    );
  } finally {
    admin.close();
  }
}

async function adminOf(flags: ExplainFlags): Promise<AdminEndpoint> {
  const [address] = addressesOf(flags);
  if (address !== undefined) return adminAt(address);
  if (flags.from === undefined)
    throw new WeftError('no-caller', 'a URL needs who sends it: --from NAMESPACE/NAME', { source: 'config' });
  const mesh = await openMesh(flags);
  const slash = flags.from.indexOf('/');
  const namespace = slash < 0 ? flags.namespace : flags.from.slice(0, slash);
  const name = flags.from.slice(slash + 1);
  const pods = await choosePods(mesh, { ...flags, ...(namespace !== undefined && { namespace }) });
  const pod = pods.find(each => each.name === name) ?? pods.find(each => each.name.startsWith(`${name}-`));
  if (pod === undefined)
    throw new WeftError(
      'pod-absent',
      `there is no pod of ${flags.from} with a proxy; see kubectl get pods -A, or weft proxy-status`,
      { source: 'config' },
    );
  return mesh.admin(pod);
}

/** By way of the control plane; where that is what is broken, each proxy by itself. */
async function ask(flags: ExplainFlags, query: RecordQuery): Promise<AskedRecords> {
  const addresses = addressesOf(flags);
  if (addresses.length > 0) return askAddresses(addresses, query);
  // A request comes through namespaces as it likes: only what is recent can be asked of one.
  const { namespace, ...everywhere } = flags;
  const of = flags.recent && !flags.allNamespaces ? namespace : undefined;
  try {
    return await askLive(await openLiveApi(flags), query, of);
  } catch (error) {
    if (!(error instanceof WeftError) || !unasked.includes(error.code)) throw error;
    process.stderr.write(`warning: ${error.message}; asking each proxy by itself\n`);
  }
  const mesh = await openMesh(flags);
  return askPods(
    mesh,
    await choosePods(mesh, of === undefined ? everywhere : { ...everywhere, namespace: of }),
    query,
  );
}

function addressesOf(flags: ExplainFlags): readonly string[] {
  return flags.proxy.map(text => {
    const address = adminAddress(text);
    if (address !== undefined) return address;
    throw new WeftError(
      'bad-address',
      `--proxy is '${text}'; it takes an admin address such as 127.0.0.1:15000`,
      {
        source: 'config',
      },
    );
  });
}

async function toolsOf({ sandbox }: ExplainFlags): Promise<Tools> {
  if (sandbox === undefined) return clusterTools;
  const { attachSandbox } = await import('./proxies/which-sandbox.ts');
  return sandboxTools(attachSandbox(sandbox).name);
}

async function readId(): Promise<string> {
  if (process.stdin.isTTY)
    throw new WeftError('no-id', 'name the id of a request (x-request-id), or pipe a line of a log in', {
      source: 'config',
    });
  const id = idIn(await text(process.stdin));
  if (id === undefined)
    throw new WeftError(
      'no-id',
      "what came on stdin has no id of a request (requestId, or a UUID); pipe a line of a proxy's access log in, or name the id",
      { source: 'config' },
    );
  return id;
}

function notKept(id: string, answers: readonly ProxyRecords[]): WeftError {
  const off = answers.filter(({ keeps }) => !keeps).length;
  const leftOut = answers.reduce((sum, each) => sum + each.leftOut, 0);
  const why = [
    `none of ${answers.length} proxies has a record of ${id}`,
    ...(off > 0 ? [`${off} keep none (weft.dev/request-record: off)`] : []),
    ...(leftOut > 0 ? [`${leftOut} failures came too many at a time to be kept`] : []),
  ].join('; ');
  return new WeftError(
    'request-unknown',
    `${why}; of what was sound and quick only a sample is kept, and for a while: send it again, or see weft explain --recent`,
    { source: 'config' },
  );
}

function tell(troubles: AskedRecords['troubles']): void {
  for (const { pod, why } of troubles) process.stderr.write(`warning: ${pod} was not asked: ${why}\n`);
}

function print({ output }: ExplainFlags, data: unknown, text: () => string): void {
  const written =
    output === 'json'
      ? JSON.stringify(data, undefined, 2)
      : output === 'yaml'
        ? stringify(data).trimEnd()
        : text();
  process.stdout.write(`${written}\n`);
}
