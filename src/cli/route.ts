import { type Command, Option } from 'commander';
import { guarded } from './guarded.ts';
import { loadMesh, type MeshFlags, meshFlags } from './mesh/index.ts';
import { type AdminEndpoint, adminAddress, adminAt, choosePod, openMesh } from './proxies/index.ts';
import { answerOf, keyOfUrl, type RoutingFacts } from './route/answer.ts';
import { findCaller } from './route/caller.ts';
import { factsFromMesh } from './route/from-mesh.ts';
import { factsFromProxy } from './route/from-proxy.ts';
import { type AddressedRequest, readUrl } from './route/request.ts';
import { routeText } from './route/text.ts';

const help = `
Sends nothing. It asks the code that proxies run: which rule of which object takes the request, why none before it did, and what becomes
of the request. From files it reckons with the pods that Deployments and Jobs ask for; with --proxy from what a proxy has now.

Examples:
  weft route GET http://reviews:9080/reviews/0 -H 'end-user: jason' --from shop/productpage -f manifests/
  weft route POST http://cart.shop/orders --from shop/web-7d9f-x2b
  weft route http://reviews.shop:9080/ --proxy shop/productpage-7d9f-x2b
  weft route http://reviews.shop:9080/ --proxy productpage-7d9f-x2b --sandbox
  weft route http://reviews.shop:9080/ --proxy 127.0.0.1:15000 -o json`;

interface RouteFlags extends MeshFlags {
  readonly header: readonly string[];
  readonly from?: string;
  readonly namespace: string;
  readonly proxy?: string;
  readonly output: string;
}

/** Adds the command `route`. */
export function register(program: Command): void {
  const command = program
    .command('route')
    .summary('tell where a request would go, and which rule of which object says so')
    .description('tell where a request would go, and which rule of which object says so')
    .argument('<method>', 'GET, POST, …; may be left out for GET')
    .argument('[url]', 'http://host:port/path?query, as the app writes it');
  meshFlags(command)
    .option('-H, --header <line>', "a header of the request, 'name: value'; may be repeated", collect, [])
    .option('--from <workload>', 'who sends it: NAMESPACE/NAME of a pod or its workload')
    .option('-n, --namespace <name>', 'the namespace of the caller where --from names none', 'default')
    .option(
      '--proxy <address or pod>',
      'ask a proxy that runs: its admin address, or its pod (in a cluster by way of kubectl)',
    )
    .addOption(new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', help)
    .action(guarded(route));
}

function collect(line: string, before: readonly string[]): readonly string[] {
  return [...before, line];
}

async function route(method: string, url: string | undefined, flags: RouteFlags): Promise<void> {
  const asked = url === undefined ? readUrl('GET', method, flags.header) : readUrl(method, url, flags.header);
  const answer = answerOf(asked, await factsOf(asked, flags));
  process.stdout.write(
    flags.output === 'json' ? `${JSON.stringify(answer, undefined, 2)}\n` : `${routeText(answer)}\n`,
  );
}

async function factsOf(asked: AddressedRequest, flags: RouteFlags): Promise<RoutingFacts> {
  const { proxy, from, namespace } = flags;
  if (proxy === undefined) {
    const loaded = await loadMesh(flags);
    // What is wrong with single objects is for weft analyze; what could not be read at all is missing from the answer.
    for (const { severity, message } of loaded.problems.filter(each => each.object === undefined))
      process.stderr.write(`${severity}: ${message}\n`);
    return factsFromMesh(loaded, findCaller(loaded.mesh, from, namespace), keyOfUrl(asked));
  }
  const refs = flags.file ? (await loadMesh(flags)).objects.map(each => each.ref) : [];
  const admin = await openAdmin(proxy, namespace, flags);
  try {
    return await factsFromProxy(admin.read, asked, refs);
  } finally {
    admin.close();
  }
}

async function openAdmin(proxy: string, namespace: string, flags: RouteFlags): Promise<AdminEndpoint> {
  const address = adminAddress(proxy);
  if (address !== undefined) return adminAt(address);
  const mesh = await openMesh(flags);
  // -n is the caller's namespace, and its default no word about where the pod is.
  const within = proxy.includes('/') || namespace === 'default' ? {} : { namespace };
  return mesh.admin(await choosePod(mesh, within, proxy));
}
