// What larger meshes take of their control plane, worked out from what `make scale` measured: CPU time and memory of one proxy,
// one push, one change. These are the same on a busy machine; times are not, so that there are none here but those of work.
//   node bench/scale/model.ts figures.json     figures of `make scale ARGS="--json figures.json"`
import { readFileSync } from 'node:fs';
import { beatEveryMs } from '../../src/discovery/index.ts';
import { BEAT_GRACE_MS } from '../../src/discovery/protocol.ts';

/** What was measured, of one replica. */
export interface Parameters {
  /** Private memory of a replica that has read its cluster and serves nobody, MB, and how many pods that cluster had. */
  readonly readyMb: number;
  readonly pods: number;
  /** Memory of a proxy in sync, KB. */
  readonly proxyKb: number;
  /** CPU time until a proxy that connects is in sync, µs. */
  readonly joinUs: number;
  /** CPU time of a push to one proxy with its answer, and of an edit that is read and concerns nobody, µs. */
  readonly pushUs: number;
  readonly editUs: number;
  /** CPU time a second of a proxy to whom nothing is told, µs: beats, pings. */
  readonly idleUs: number;
}

/** A mesh to work out. */
export interface ModelledMesh {
  readonly proxies: number;
  /** Pods that come or go, a second. */
  readonly changes: number;
  /** Proxies that must hear of one. */
  readonly followers: number;
}

/** What it takes. */
export interface Needed {
  readonly replicas: number;
  /** Of each replica. */
  readonly memoryMb: number;
  /** Of the one core that a replica uses, 0 to 1. */
  readonly busy: number;
  /** Until all are in sync after all replicas began anew, s. */
  readonly reconnectSeconds: number;
  /** How soon a replica that hangs is left, s. */
  readonly hangSeconds: number;
}

/** What a replica may take. More than so busy, and pushes wait for each other. */
export const limits = { memoryMb: 2_000, busy: 0.6, reconnectSeconds: 60, replicas: 64 } as const;

/** What a pod costs everybody who reads the cluster, KB: bench/kubernetes-memory.ts with 20,000. */
const podKb = 8.4;
/** A proxy looks this often whether its beat is late. */
const lookMs = 250;
/** A change of a pod is one of its object, too: both are read by every replica. */
const editsPerChange = 2;

/** With so many replicas, of which each serves its share and reads everything. */
export function needed(parameters: Parameters, mesh: ModelledMesh, replicas: number): Needed {
  const { readyMb, pods, proxyKb, joinUs, pushUs, editUs, idleUs } = parameters;
  const share = mesh.proxies / replicas;
  const ownPushes = (mesh.changes * mesh.followers) / replicas;
  // Beats are bounded for each replica; idleUs was measured where each proxy has two a second.
  const idle = (share * idleUs * 500) / beatEveryMs(share);
  return {
    replicas,
    memoryMb: readyMb + ((mesh.proxies - pods) * podKb + share * proxyKb) / 1_000,
    busy: (ownPushes * pushUs + mesh.changes * editsPerChange * editUs + idle) / 1e6,
    reconnectSeconds: (share * joinUs) / 1e6,
    hangSeconds: (beatEveryMs(share) + BEAT_GRACE_MS + lookMs) / 1_000,
  };
}

/** With as few replicas as keep the limits; undefined where no number of them does, since each reads everything. */
export function fewest(parameters: Parameters, mesh: ModelledMesh): Needed | undefined {
  for (let replicas = 1; replicas <= limits.replicas; replicas++) {
    const found = needed(parameters, mesh, replicas);
    const { memoryMb, busy, reconnectSeconds } = found;
    if (memoryMb <= limits.memoryMb && busy <= limits.busy && reconnectSeconds <= limits.reconnectSeconds)
      return found;
  }
  return undefined;
}

/** The table of docs/scale.md: a Service for ten pods, each followed by 200 proxies, half a per cent of the pods a second. */
export function table(parameters: Parameters): string {
  const rows = [1_000, 10_000, 20_000, 50_000, 100_000].flatMap(proxies => {
    const mesh = { proxies, changes: proxies / 200, followers: 200 };
    const one = needed(parameters, mesh, 1);
    const least = fewest(parameters, mesh);
    const words = (each: Needed): string =>
      `${Math.round(each.memoryMb)} MB, ${each.busy.toFixed(2)} cores, ${each.reconnectSeconds.toFixed(0)} s`;
    const fits = least
      ? `${least.replicas}: ${words(least)} | ${least.hangSeconds.toFixed(1)} s`
      : `more than ${limits.replicas} | –`;
    return `| ${proxies.toLocaleString('en')} | ${mesh.changes} | ${words(one)} | ${fits} |`;
  });
  return [
    '| proxies | changes a second | one replica | fewest that keep the bounds, each | one that hangs is left after |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

if (import.meta.main) {
  const [file = ''] = process.argv.slice(2);
  let parameters: Parameters | undefined;
  try {
    ({ parameters } = JSON.parse(readFileSync(file, 'utf8')) as { parameters?: Parameters });
  } catch (thrown) {
    console.error(
      `model: cannot read '${file}' (${(thrown as Error).message}); give the file of make scale ARGS="--json FILE"`,
    );
    process.exit(2);
  }
  if (!parameters) {
    console.error(`model: ${file} has no parameters; make it anew with make scale ARGS="--json ${file}"`);
    process.exit(2);
  }
  console.log(table(parameters));
}
