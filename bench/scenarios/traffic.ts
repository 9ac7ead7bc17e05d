// Scenarios in which traffic of one kind goes through each proxy in turn.
import { type Job, MATCHES_NO_RULE, TOKEN_HEADER } from '../peers/index.ts';
import type { Stage } from '../stage.ts';
import { fastBackend, ownBackend } from './backends.ts';
import { closedLoop, openLoop, transfer, websocket } from './loads.ts';
import { type Comparison, compare } from './rounds.ts';
import type { Scenario } from './scenario.interface.ts';

const reading = async (stage: Stage): Promise<number> => (await ownBackend(stage)).http;
const plainTcp = async (stage: Stage): Promise<number> => (await ownBackend(stage)).tcp;
const topologies = { hop: 'one plaintext hop', path: 'proxy → mutual TLS → proxy' } as const;

function scenario(
  name: string,
  title: string,
  unit: string,
  comparison: (quick: boolean) => Comparison,
): Scenario {
  return {
    name,
    title,
    unit,
    run: (proxies, settings) => compare(comparison(settings.quick), proxies, settings),
  };
}

function http(topology: Job['topology'], rest: Partial<Comparison> = {}): (quick: boolean) => Comparison {
  return quick => ({
    job: { protocol: 'http', topology },
    backend: stage => fastBackend(stage),
    load: closedLoop(),
    seconds: quick ? 2 : 5,
    ...rest,
  });
}

/** The same at a rate that leaves time. */
function atRate(rate: number): (quick: boolean) => Comparison {
  return quick => ({ ...http('path')(quick), load: openLoop(rate), seconds: quick ? 4 : 15, direct: true });
}

const newConnections = { load: closedLoop({ headers: ['Connection: close'] }) };

/** Both topologies of something. */
function both(
  name: string,
  title: string,
  unit: string,
  make: (topology: Job['topology']) => (quick: boolean) => Comparison,
): Scenario[] {
  return (['hop', 'path'] as const).map(topology =>
    scenario(`${name}-${topology}`, `${title}, ${topologies[topology]}`, unit, make(topology)),
  );
}

function streams(
  kind: 'download' | 'upload' | 'tcp',
  backend: (stage: Stage) => Promise<number>,
): (topology: Job['topology']) => (quick: boolean) => Comparison {
  const protocol = kind === 'tcp' ? 'tcp' : 'http';
  return topology => http(topology, { job: { protocol, topology }, backend, load: transfer(kind) });
}

/** In the order in which they run. */
export const trafficScenarios: readonly Scenario[] = [
  scenario('hop', `GET of 100 bytes, ${topologies.hop}`, 'request', http('hop')),
  scenario('path', `GET of 100 bytes, ${topologies.path}`, 'request', http('path')),
  scenario(
    'policies',
    'the same with a token (JWT) and 20 rules of authorization, mutual TLS',
    'request',
    http('path', {
      job: { protocol: 'http', topology: 'path', policies: true },
      load: closedLoop({ headers: [TOKEN_HEADER] }),
    }),
  ),
  scenario('path-1000', `1,000 requests/s, ${topologies.path}`, 'request', atRate(1000)),
  scenario('path-2000', `2,000 requests/s, ${topologies.path}`, 'request', atRate(2000)),
  ...both('connect', 'a new connection for each request', 'request', topology =>
    http(topology, newConnections),
  ),
  scenario(
    'routes',
    '100 routes with header and path rules, one hop',
    'request',
    http('hop', {
      job: { protocol: 'http', topology: 'hop', rules: 99 },
      load: closedLoop({ path: MATCHES_NO_RULE.path, headers: [MATCHES_NO_RULE.header] }),
    }),
  ),
  scenario(
    'post',
    'POST of 10 KB, one hop',
    'request',
    http('hop', { backend: reading, load: closedLoop({ body: 10_000 }) }),
  ),
  ...both(
    'download',
    '100 MB to the client',
    'MB',
    streams('download', stage => fastBackend(stage)),
  ),
  ...both('upload', '100 MB from the client', 'MB', streams('upload', reading)),
  ...both('tcp', 'opaque TCP, 100 MB to the client', 'MB', streams('tcp', plainTcp)),
  ...both('websocket', 'WebSocket echo of 64 bytes', 'message', topology =>
    http(topology, { job: { protocol: 'websocket', topology }, backend: reading, load: websocket }),
  ),
];
