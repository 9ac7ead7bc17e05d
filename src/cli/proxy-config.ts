import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import { ACCESS_LOGS, LOG_LEVELS } from '../../webhook/index.ts';
import { WeftError } from '../errors/index.ts';
import { parseDurationMs } from '../model/index.ts';
import { systemClock } from '../time/index.ts';
import { portValue } from './flag-values.ts';
import { guarded } from './guarded.ts';
import {
  type AdminEndpoint,
  adminAddress,
  adminAt,
  choosePod,
  openMesh,
  type PodFlags,
  podFlags,
} from './proxies/index.ts';
import { readClusters, readConfig, readListeners, readLogging, readSecret } from './proxy-config/dump.ts';
import {
  clustersOf,
  destinationsOf,
  ENDPOINT_STATES,
  endpointsOf,
  type Filters,
  routesOf,
} from './proxy-config/rows.ts';
import {
  clustersText,
  endpointsText,
  listenersText,
  loggingText,
  routesText,
  secretText,
} from './proxy-config/text.ts';
import { type Screen, screenOf } from './table.ts';

const help = `
What the proxy of a pod has now, from its admin endpoint, which answers on loopback alone: in a cluster by way of kubectl port-forward, in a
sandbox by a process inside of the pod. POD is NAME, NAMESPACE/NAME, or the address of an admin endpoint. docs/proxy-config.md has every column.

Examples:
  weft proxy-config endpoints shop/web-7d9f-x2b --status ejected
  weft proxy-config routes web-7d9f-x2b -n shop --host reviews
  weft proxy-config secret shop/web-7d9f-x2b -o json
  weft proxy-config log shop/web-7d9f-x2b --level debug --access-log all --for 10m
  weft proxy-config all 127.0.0.1:15000 -o yaml`;

type ConfigFlags = PodFlags & Filters & { readonly output: string; readonly watch?: boolean };

interface LogFlags extends PodFlags {
  readonly output: string;
  readonly level?: string;
  readonly accessLog?: string;
  /** Seconds. */
  readonly for?: number;
}

/** One of the things that a proxy has: as data for programs, and as text. */
interface View {
  readonly names: readonly [name: string, ...aliases: string[]];
  readonly summary: string;
  readonly filters: readonly (keyof Filters)[];
  /** Whether it changes by itself, so that it is worth watching. */
  readonly moves?: boolean;
  show(admin: AdminEndpoint, filters: Filters): Promise<Shown>;
}

interface Shown {
  readonly data: unknown;
  text(wide: boolean, screen: Screen): string;
}

const views: readonly View[] = [
  {
    names: ['clusters', 'cluster'],
    summary: 'sets of endpoints, with the settings that hold and what is under way',
    filters: ['host', 'port', 'name'],
    moves: true,
    async show(admin, filters) {
      const data = clustersOf(await readClusters(admin), filters);
      return { data, text: (wide, screen) => clustersText(data, wide, screen) };
    },
  },
  {
    names: ['listeners', 'listener'],
    summary: 'ports that are listened on, the ports of the app, and what the app has called',
    filters: ['host', 'port'],
    async show(admin, filters) {
      const listeners = await readListeners(admin);
      const dump = await readConfig(admin);
      const destinations = destinationsOf(dump, filters);
      return {
        data: { listeners, inbound: dump.inbound, destinations },
        text: (_, screen) => listenersText(listeners, dump, filters, screen),
      };
    },
  },
  {
    names: ['routes', 'route'],
    summary: 'routes in the order in which they are tried, with the object that each came from',
    filters: ['host', 'port', 'name'],
    async show(admin, filters) {
      const data = routesOf(await readConfig(admin), filters);
      return { data, text: (wide, screen) => routesText(data, wide, screen) };
    },
  },
  {
    names: ['endpoints', 'endpoint'],
    summary: 'endpoints: healthy, ejected or draining, with latency and what is under way',
    filters: ['host', 'port', 'name', 'status'],
    moves: true,
    async show(admin, filters) {
      const data = endpointsOf(await readClusters(admin), filters);
      return { data, text: (wide, screen) => endpointsText(data, wide, screen) };
    },
  },
  {
    names: ['secret', 'secrets'],
    summary: 'certificates: chain, identity, serials, validity, trusted roots; never a key',
    filters: [],
    async show(admin) {
      const data = await readSecret(admin);
      return { data, text: (_, screen) => secretText(data, systemClock.now(), screen) };
    },
  },
];

const options: { readonly [K in keyof Filters]-?: () => Option } = {
  host: () => new Option('--host <text>', 'only hosts with this in them'),
  port: () => new Option('--port <number>', 'only this port').argParser(portValue),
  name: () => new Option('--name <text>', 'only names with this in them'),
  status: () => new Option('--status <state>', 'only endpoints in this state').choices(ENDPOINT_STATES),
};

/** Adds the command `proxy-config`. */
export function register(program: Command): void {
  const command = program
    .command('proxy-config')
    .summary('what a proxy has now: clusters, listeners, routes, endpoints, certificates, log levels')
    .description('what a proxy has now')
    .addHelpText('after', help);
  for (const view of views) {
    const added = add(command, view.names, view.summary);
    for (const filter of view.filters) added.addOption(options[filter]());
    if (view.moves) added.option('-w, --watch', 'again every two seconds, until interrupted');
    added.action(guarded((pod: string, flags: ConfigFlags) => print(view, pod, flags)));
  }
  add(command, ['log'], 'the levels of the log and of the access log; shows or sets them')
    .addOption(new Option('--level <level>', 'sets it').choices(LOG_LEVELS))
    .addOption(new Option('--access-log <mode>', 'sets it').choices(ACCESS_LOGS))
    .option('--for <time>', 'with either: what held before comes back after this, 10m for example', secondsOf)
    .action(guarded(log));
  add(command, ['all'], 'all of it, one after the other').action(guarded(all));
}

function add(command: Command, [name, ...aliases]: readonly string[], summary: string): Command {
  const added = command.command(name!).aliases(aliases).description(summary);
  return podFlags(
    added.addArgument(new Argument('<pod>', 'NAME, NAMESPACE/NAME or an admin address')),
  ).addOption(
    new Option('-o, --output <format>', 'text, wide, json or yaml')
      .choices(['text', 'wide', 'json', 'yaml'])
      .default('text'),
  );
}

function secondsOf(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 1000 && ms <= 86_400_000) return ms / 1000;
  throw new InvalidArgumentError('give a time from 1s to 24h, as 90s or 10m');
}

async function withAdmin(
  pod: string,
  flags: PodFlags,
  use: (admin: AdminEndpoint) => Promise<void>,
): Promise<void> {
  const address = adminAddress(pod);
  const mesh = address === undefined ? await openMesh(flags) : undefined;
  const admin = mesh ? await mesh.admin(await choosePod(mesh, flags, pod)) : adminAt(address!);
  try {
    await use(admin);
  } finally {
    admin.close();
  }
}

const watchMs = 2000;

function print(view: View, pod: string, flags: ConfigFlags): Promise<void> {
  const { output, watch } = flags;
  return withAdmin(pod, flags, async admin => {
    for (;;) {
      const shown = await view.show(admin, flags);
      const clear = watch && process.stdout.isTTY ? '\x1b[H\x1b[J' : '';
      process.stdout.write(`${clear}${formatted(shown, output, watch === true)}\n`);
      if (!watch) return;
      await new Promise(resolve => setTimeout(resolve, watchMs));
    }
  });
}

function formatted({ data, text }: Shown, output: string, again: boolean): string {
  if (output === 'json') return JSON.stringify(data, undefined, again ? 0 : 2);
  if (output === 'yaml') return `${again ? '---\n' : ''}${stringify(data).trimEnd()}`;
  return text(output === 'wide', screenOf());
}

async function log(pod: string, flags: LogFlags): Promise<void> {
  const { level, accessLog, for: seconds, output } = flags;
  if (seconds !== undefined && level === undefined && accessLog === undefined)
    throw new WeftError('flags-clash', '--for says how long a change holds; add --level or --access-log', {
      source: 'config',
    });
  return withAdmin(pod, flags, async admin => {
    if (level !== undefined || accessLog !== undefined) {
      const query = new URLSearchParams();
      if (level !== undefined) query.set('level', level);
      if (accessLog !== undefined) query.set('access', accessLog);
      if (seconds !== undefined) query.set('for', String(seconds));
      await admin.send(`/logging?${query}`);
    }
    const data = await readLogging(admin);
    process.stdout.write(`${formatted({ data, text: () => loggingText(data) }, output, false)}\n`);
  });
}

function all(pod: string, flags: ConfigFlags): Promise<void> {
  const { output } = flags;
  return withAdmin(pod, flags, async admin => {
    const shown: (readonly [name: string, Shown])[] = [];
    for (const { names, show } of views) shown.push([names[0], await show(admin, {})]);
    const logging = await readLogging(admin);
    shown.push(['log', { data: logging, text: () => loggingText(logging) }]);
    const data = Object.fromEntries(shown.map(([name, each]) => [name, each.data]));
    const text = (wide: boolean, screen: Screen): string =>
      shown.map(([name, each]) => `${name}\n\n${each.text(wide, screen)}`).join('\n\n\n');
    process.stdout.write(`${formatted({ data, text }, output, false)}\n`);
  });
}
