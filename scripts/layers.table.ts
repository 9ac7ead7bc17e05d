/** What one room may import; `instead` tells who breaks it what to do. */
export interface Room {
  readonly imports: readonly string[];
  readonly packages: readonly string[];
  readonly pure?: boolean;
  readonly instead: string;
}

const passIn = 'Pass it in from main/, or move the shared type down.';

/** Lower rooms first; nobody imports from a room below them in this list. */
export const rooms: Record<string, Room> = {
  errors: {
    imports: [],
    packages: [],
    pure: true,
    instead: 'errors/ is imported by all and imports nothing.',
  },
  time: { imports: [], packages: [], instead: 'time/ knows clocks only.' },
  model: {
    imports: ['errors'],
    packages: [],
    pure: true,
    instead: 'model/ is types and pure functions: no I/O, no Kubernetes, no sockets.',
  },
  wire: {
    imports: ['errors', 'time'],
    packages: ['koffi'],
    instead: 'wire/ moves bytes and knows no protocol.',
  },
  http: {
    imports: ['errors', 'model'],
    packages: [],
    instead: 'http/ is what codecs and engine share; it knows neither.',
  },
  routing: {
    imports: ['errors', 'model', 'http'],
    packages: ['re2js'],
    instead: 'routing/ matches and edits heads; it knows no cluster and no connection.',
  },
  http1: {
    imports: ['errors', 'http', 'wire', 'time'],
    packages: [],
    instead: 'A codec knows bytes and heads, not routes or clusters.',
  },
  tls: { imports: ['errors', 'model', 'wire', 'time', 'identity'], packages: [], instead: passIn },
  identity: { imports: ['errors', 'model', 'time'], packages: ['node-forge'], instead: passIn },
  ca: { imports: ['errors', 'model', 'time', 'identity'], packages: ['node-forge', 'jose'], instead: passIn },
  telemetry: { imports: ['errors', 'model', 'time'], packages: ['prom-client', 'pino'], instead: passIn },
  registry: {
    imports: ['errors', 'model', 'time'],
    packages: [],
    instead: 'registry/ stores objects and tells of changes; nothing else.',
  },
  kubernetes: {
    imports: ['errors', 'time'],
    packages: ['@kubernetes/client-node'],
    instead: 'kubernetes/ calls the API and knows no mesh.',
  },
  source: {
    imports: ['errors', 'model', 'time', 'registry', 'telemetry', 'kubernetes'],
    packages: ['yaml'],
    instead: 'A source fills the registry; it translates nothing.',
  },
  translate: {
    imports: ['errors', 'model', 'registry', 'config'],
    packages: [],
    pure: true,
    instead: 'A dialect is pure: objects in, model and problems out.',
  },
  resolve: {
    imports: ['errors', 'model'],
    packages: [],
    pure: true,
    instead: 'resolve/ is pure: model in, resources out.',
  },
  discovery: {
    imports: ['errors', 'model', 'time', 'telemetry', 'identity', 'ca', 'tls', 'resolve'],
    packages: [],
    instead: passIn,
  },
  config: {
    imports: ['errors', 'model', 'telemetry'],
    packages: [],
    instead: 'config/ reads flags and environment once, at boot.',
  },
  'control-plane': {
    imports: ['errors', 'model', 'time', 'telemetry', 'ca', 'kubernetes', 'config'],
    packages: [],
    instead: passIn,
  },
  cluster: {
    imports: ['errors', 'model', 'time', 'wire', 'http', 'http1', 'tls', 'telemetry'],
    packages: [],
    instead: 'cluster/ picks endpoints and keeps connections; it knows no routes and no discovery.',
  },
  proxy: {
    imports: [
      'errors',
      'model',
      'time',
      'wire',
      'http',
      'http1',
      'tls',
      'telemetry',
      'routing',
      'cluster',
      'config',
    ],
    packages: [],
    instead: passIn,
  },
  cores: {
    imports: ['errors', 'model', 'time', 'identity', 'tls', 'proxy'],
    packages: [],
    instead: 'cores/ shares between threads what one of them has; it carries nothing itself.',
  },
  admin: {
    imports: ['errors', 'model', 'time', 'wire', 'http', 'http1', 'telemetry', 'cluster', 'proxy', 'config'],
    packages: [],
    instead: passIn,
  },
  redirect: {
    imports: ['errors', 'model', 'config'],
    packages: [],
    instead: 'redirect/ plans and applies packet rules, alone.',
  },
  webhook: {
    imports: ['errors', 'model', 'time', 'config', 'redirect'],
    packages: ['yaml'],
    instead:
      'inject is pure, and admission knows no client library: pass in what it needs through admission/options.ts.',
  },
  analyze: {
    imports: ['errors', 'model', 'config', 'registry', 'translate', 'resolve', 'webhook'],
    packages: [],
    pure: true,
    instead: 'analyze/ is pure: objects and their mesh in, findings out. cli/ reads and prints.',
  },
  sandbox: {
    imports: [
      'errors',
      'model',
      'time',
      'webhook',
      'redirect',
      'config',
      'ca',
      'identity',
      'telemetry',
      'registry',
      'source',
    ],
    packages: ['yaml', 'dns-packet', 'jose', 'undici', 'esbuild'],
    instead: passIn,
  },
  cli: {
    imports: [
      'errors',
      'model',
      'http',
      'http1',
      'routing',
      'time',
      'webhook',
      'sandbox',
      'redirect',
      'kubernetes',
      'config',
      'source',
      'registry',
      'translate',
      'resolve',
      'analyze',
    ],
    packages: ['commander', 'yaml', 'undici'],
    instead: passIn,
  },
  main: {
    imports: [
      'errors',
      'model',
      'time',
      'wire',
      'http',
      'http1',
      'routing',
      'tls',
      'identity',
      'ca',
      'telemetry',
      'registry',
      'kubernetes',
      'source',
      'translate',
      'resolve',
      'discovery',
      'config',
      'control-plane',
      'cluster',
      'proxy',
      'cores',
      'admin',
      'redirect',
      'webhook',
      'sandbox',
      'cli',
    ],
    packages: ['commander', 'pino'],
    instead: 'main/ only connects stages.',
  },
};
