// Scrapes of proxies, and what was counted between two of them.
import { PORTS } from '../../config/index.ts';
import type { Clock } from '../../time/index.ts';
import { askAll, type Mesh, type MeshPod, readExposition, type Sample } from '../proxies/index.ts';

/** What a pod told, and when. */
export type Scrape =
  | { readonly atMs: number; readonly samples: readonly Sample[] }
  | { readonly trouble: string };

/** Scrapes by `namespace/pod`. */
export type Scrapes = ReadonlyMap<string, Scrape>;

/** A counter's growth between two scrapes. */
export interface Growth extends Sample {
  /** Per second. */
  readonly rate: number;
}

const wanted = new Set([
  'istio_requests_total',
  'istio_request_duration_milliseconds_bucket',
  'istio_tcp_connections_opened_total',
  'istio_tcp_connections_closed_total',
  'weft_route_requests_total',
  'weft_route_tries_total',
  'weft_route_duration_milliseconds_bucket',
  'weft_workload_info',
  'weft_build_info',
]);

/** How a pod is named in Scrapes. */
export function keyOf({ namespace, name }: MeshPod): string {
  return `${namespace}/${name}`;
}

/** Asks every pod that runs. */
export async function scrapeAll(mesh: Mesh, pods: readonly MeshPod[], clock: Clock): Promise<Scrapes> {
  const times = new Map<string, number>();
  // Each answer counts from when it came: of a thousand pods the last is asked long after the first.
  const timed: Mesh = {
    ...mesh,
    async read(pod, port, path) {
      const text = await mesh.read(pod, port, path);
      times.set(keyOf(pod), clock.monotonic());
      return text;
    },
  };
  const answers = await askAll(timed, pods, PORTS.health, '/stats/prometheus');
  return new Map(
    pods.map((pod, at): [string, Scrape] => {
      const answer = answers[at]!;
      if ('trouble' in answer) return [keyOf(pod), answer];
      const samples = readExposition(answer.text, name => wanted.has(name));
      if (!samples.some(({ name }) => name === 'weft_build_info'))
        return [keyOf(pod), { trouble: 'what answers on its port 15020 is no proxy of weft' }];
      return [keyOf(pod), { atMs: times.get(keyOf(pod))!, samples }];
    }),
  );
}

/** What the counters of a pod grew by; a string when it was not told twice. A counter that fell began anew, as its proxy did. */
export function growth(before: Scrape | undefined, after: Scrape | undefined): readonly Growth[] | string {
  if (after === undefined || before === undefined) return 'it was not there at the beginning of the window';
  if ('trouble' in after) return after.trouble;
  if ('trouble' in before) return before.trouble;
  const seconds = (after.atMs - before.atMs) / 1000;
  const known = new Map(before.samples.map(sample => [seriesOf(sample), sample.value]));
  return after.samples.map(sample => {
    const was = known.get(seriesOf(sample)) ?? 0;
    const grown = sample.value >= was ? sample.value - was : sample.value;
    return { ...sample, rate: seconds > 0 ? grown / seconds : 0 };
  });
}

function seriesOf({ name, labels }: Sample): string {
  return `${name} ${JSON.stringify(Object.entries(labels))}`;
}
