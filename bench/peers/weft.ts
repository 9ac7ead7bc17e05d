// Weft: the bundled data plane.

import { once } from 'node:events';
import { VERSION } from '../../src/config/version.ts';
import type { ClusterEndpoint, InboundPort, Peer } from '../../src/model/index.ts';
import { freePort } from '../../src/wire/testing/ports.ts';
import type { BenchIdentity } from '../identities.ts';
import { listening, type Running } from '../processes.ts';
import type { Stage } from '../stage.ts';
import type { HopConfig, Question } from '../weft-hop.ts';
import { weftPolicies } from './policies.ts';
import { type Job, type MeasuredProxy, type RunningPath, rulesOf } from './proxy.interface.ts';
import { startGateway } from './weft-gateway.ts';

/** Weft as one of those that are compared. */
export const weft: MeasuredProxy = {
  name: 'weft',
  version: VERSION,
  command: '',
  cannot: () => undefined,
  start: (job, stage) => startWeft(job, stage),
};

/** How its processes are started when something other than traffic is of interest. */
export interface Launch {
  readonly flags: readonly string[];
  /** A channel for the messages that weft-hop.ts answers. */
  readonly ipc: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** What becomes of its standard output; without it, nothing. */
  readonly onLine?: (line: string) => void;
}

/** Starts one data plane, or the two of a path. */
export async function startWeft(
  job: Job,
  stage: Stage,
  launch: Launch = { flags: [], ipc: false },
): Promise<RunningPath> {
  const port = await freePort();
  if (job.edge) return { port, programs: [await startGateway(job, job.edge, port, stage)] };
  const { client, server } = stage.identities;
  const sending = async (endpoint: ClusterEndpoint): Promise<Running> => {
    const ports = { outboundPort: port, inboundPort: await freePort() };
    return run(
      stage,
      launch,
      configOf(stage, job, 'client', client, { ...ports, endpoints: [endpoint], inbound: [] }),
    );
  };
  const endpoint = { address: '127.0.0.1', port: job.backend };
  if (job.topology === 'hop') {
    const peer = peerOf('server', '');
    return { port, programs: [await sending({ ...endpoint, tls: 'plaintext', peer })] };
  }
  const ports = { outboundPort: await freePort(), inboundPort: await freePort() };
  const config = configOf(stage, job, 'server', server, {
    ...{ ...ports, endpoints: [], inbound: [inbound(job)] },
    ...(job.policies === true && { policies: weftPolicies(client.principal) }),
  });
  const receiving = await run(stage, launch, config);
  const peer = peerOf('server', server.principal);
  const tunnelPort = ports.inboundPort;
  return { port, programs: [await sending({ ...endpoint, tls: 'mesh', tunnelPort, peer }), receiving] };
}

/** What a Service's port is declared as. */
const declared = ({ protocol }: Job): 'http' | 'http2' | 'tcp' =>
  protocol === 'http2' || protocol === 'tcp' ? protocol : 'http';

const inbound = (job: Job): InboundPort => ({
  number: job.backend,
  protocol: declared(job),
  mtls: 'strict',
  service: { host: 'server.bench.svc.cluster.local', name: 'server', namespace: 'bench' },
});

const peerOf = (name: string, principal: string): Peer => ({
  workload: name,
  namespace: 'bench',
  app: name,
  version: 'v1',
  principal,
  pod: `${name}-0`,
});

function configOf(
  stage: Stage,
  job: Job,
  name: string,
  identity: BenchIdentity,
  rest: Pick<HopConfig, 'outboundPort' | 'inboundPort' | 'endpoints' | 'inbound' | 'policies'>,
): HopConfig {
  const { keyPem, chainPem, principal } = identity;
  const { roots } = stage.identities;
  const rules = rulesOf(job).map(({ prefix, header, value }) => ({
    path: { kind: 'prefix', value: prefix } as const,
    headers: [{ name: header, match: { kind: 'exact', value } as const }],
  }));
  return { self: peerOf(name, principal), keyPem, chainPem, roots, protocol: declared(job), rules, ...rest };
}

async function run(stage: Stage, { flags, ...options }: Launch, config: HopConfig): Promise<Running> {
  const file = stage.file(`weft-${config.self.app}.json`, JSON.stringify(config));
  const program = stage.weft([...flags, stage.settings.programs.hop, file], options);
  await listening(config.outboundPort, program);
  return program;
}

/** Asks a data plane that was started with a channel. */
export async function askHop(program: Running, question: Question): Promise<unknown> {
  program.child.send(question);
  const [answer] = await once(program.child, 'message');
  return answer;
}
