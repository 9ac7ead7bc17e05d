import { Hub } from '../discovery/index.ts';
import type { Mesh, Problem } from '../model/index.ts';
import { Registry } from '../registry/index.ts';
import type { Source } from '../source/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import { type KindTranslator, Translator } from '../translate/index.ts';

/** What a pipeline is made of. */
export interface PipelineOptions {
  /** Of two that have the same object, that of the first counts. */
  readonly sources: readonly Source[];
  readonly trustDomain: string;
  readonly trustDomainAliases?: readonly string[];
  readonly clusterDomain: string;
  /** Where proxies of gateways listen. */
  readonly gatewayPorts?: Mesh['gatewayPorts'];
  /** Beside those that everybody reads. */
  readonly dialects?: readonly KindTranslator[];
  readonly clock: Clock;
  readonly log: Log;
  /** Hears of every mesh, once what follows of it is told to who follows resources. */
  readonly onMesh?: (mesh: Mesh) => void;
}

/** source → registry → translate → Mesh → hub: what the control plane runs, and a proxy without one. */
export interface Pipeline {
  /** Where streams follow resources. */
  readonly hub: Hub;
  readonly mesh: Mesh;
  /** The objects themselves. */
  readonly registry: Registry;
  /** Objects by kind, those that no dialect reads too. */
  counts(): Record<string, number>;
  /** Everything wrong with what was read and with what it says. */
  problems(): readonly Problem[];
}

/** Starts it; resolves after the first full read of every source and rejects with the WeftError of one. Ends with the signal. */
export async function startPipeline(options: PipelineOptions, signal: AbortSignal): Promise<Pipeline> {
  const { pipeline, started } = openPipeline(options, signal);
  await started;
  return pipeline;
}

/** The same for who cannot wait: the mesh is empty until `started` resolves. */
export function openPipeline(
  options: PipelineOptions,
  signal: AbortSignal,
): { readonly pipeline: Pipeline; readonly started: Promise<void> } {
  const { sources, trustDomain, trustDomainAliases = [], clusterDomain, dialects = [], clock, log } = options;
  const registry = new Registry({ clock });
  const { gatewayPorts } = options;
  const translator = new Translator({
    ...{ trustDomain, trustDomainAliases, clusterDomain, dialects },
    ...(gatewayPorts && { gatewayPorts }),
  });
  const hub = new Hub(translator.mesh, [], (what, why) =>
    log.error({ what }, `a resource cannot be worked out and stays as it was: ${why}`),
  );
  const problems = (): readonly Problem[] => [
    ...sources.flatMap(source => source.problems()),
    ...registry.problems(),
    ...translator.problems(),
  ];
  const note = noteProblems(problems, log);
  const unsubscribe = registry.subscribe(({ changes, changedAtMs }) => {
    const { mesh, touched } = translator.apply(changes);
    hub.update(mesh, touched, changedAtMs);
    options.onMesh?.(mesh);
    note();
  });
  signal.addEventListener('abort', unsubscribe, { once: true });
  // Before the start is over, too: a source may wait for permissions, and says so as a problem.
  const stopLooking = clock.every(2_000, note);
  signal.addEventListener('abort', stopLooking, { once: true });
  const pipeline: Pipeline = {
    hub,
    registry,
    get mesh() {
      return translator.mesh;
    },
    counts: () => registry.counts(),
    problems,
  };
  // In order of their rank before any of them has read anything.
  const entries = sources.map(source => registry.of(source));
  const all = sources.map((source, index) => source.start(entries[index]!, signal));
  return { pipeline, started: Promise.all(all).then(note) };
}

/** Logs each problem when it appears and when it is gone, once. */
export function noteProblems(problems: () => readonly Problem[], log: Log): () => void {
  let known = new Map<string, Problem>();
  let last: readonly Problem[] = [];
  return () => {
    const current = problems();
    // The very same objects as long as nothing changed: the usual case, and a cheap one.
    if (current.length === last.length && current.every((each, index) => each === last[index])) return;
    last = current;
    const now = new Map(current.map(each => [JSON.stringify(each), each]));
    for (const [id, { severity, code, object, path, message }] of now) {
      if (known.has(id)) continue;
      const fields = { code, object, path };
      if (severity === 'error') log.error(fields, message);
      else log.warn(fields, message);
    }
    for (const [id, { code, object, path, message }] of known) {
      if (!now.has(id)) log.info({ code, object, path }, `no longer so: ${message}`);
    }
    known = now;
  };
}
