import {
  DEFAULT_MESH_TELEMETRY,
  DEFAULT_PATH_NORMALIZATION,
  type ExternalAuthorizer,
  equal,
  fact,
  formatRef,
  type Mesh,
  type MeshTelemetry,
} from '../../model/index.ts';
import type { MeshSettingsPart } from '../part.ts';

type Settings = Pick<
  Mesh,
  | 'pathNormalization'
  | 'h2Upgrade'
  | 'telemetrySettings'
  | 'trustDomainAliases'
  | 'federation'
  | 'authorizers'
>;

/** What the objects about the whole mesh come to. */
export class MeshSettings {
  readonly #parts = new Map<string, MeshSettingsPart>();
  readonly #aliases: readonly string[];

  /** `aliases`: those of the control plane's own flags, which hold whatever objects say. */
  constructor(aliases: readonly string[] = []) {
    this.#aliases = aliases;
  }

  set(id: string, part: MeshSettingsPart, present: boolean): void {
    if (present) this.#parts.set(id, part);
    else this.#parts.delete(id);
  }

  /** For Mesh; `touched` receives the facts that differ from before. */
  build(before: Settings, touched: Set<string>): Settings {
    const parts = [...this.#parts.values()].sort(
      (left, right) => left.rank - right.rank || (formatRef(left.from) < formatRef(right.from) ? -1 : 1),
    );
    const pathNormalization =
      parts.find(each => each.pathNormalization !== undefined)?.pathNormalization ??
      DEFAULT_PATH_NORMALIZATION;
    if (pathNormalization !== before.pathNormalization) touched.add(fact.pathNormalization());
    const h2Upgrade = parts.find(each => each.h2Upgrade !== undefined)?.h2Upgrade ?? false;
    if (h2Upgrade !== before.h2Upgrade) touched.add(fact.h2Upgrade());
    const said = telemetryOf(parts.flatMap(each => each.telemetry ?? []));
    const same = equal(said, before.telemetrySettings);
    if (!same) touched.add(fact.telemetrySettings());
    const named = parts.find(each => each.trustDomainAliases !== undefined)?.trustDomainAliases ?? [];
    const aliases = [...new Set([...this.#aliases, ...named])];
    const sameNames = equal(aliases, before.trustDomainAliases);
    if (!sameNames) touched.add(fact.trustDomains());
    const federation = parts.find(each => each.federation !== undefined)?.federation ?? [];
    const sameDomains = equal(federation, before.federation);
    // Which names of trust domains are ours follows of it.
    if (!sameDomains) touched.add(fact.trustDomains());
    // Each name once; those before count.
    const authorizers = parts.reduce<readonly ExternalAuthorizer[]>(
      (above, each) => byName(above, each.authorizers ?? []),
      [],
    );
    const sameAuthorizers = equal(authorizers, before.authorizers);
    if (!sameAuthorizers) touched.add(fact.authorizers());
    return {
      authorizers: sameAuthorizers ? before.authorizers : authorizers,
      pathNormalization,
      h2Upgrade,
      telemetrySettings: same ? before.telemetrySettings : said,
      federation: sameDomains ? before.federation : federation,
      trustDomainAliases: sameNames ? before.trustDomainAliases : aliases,
    };
  }
}

/** Those before count, field by field; providers of all, each name once, and those that are always there. */
function telemetryOf(said: readonly MeshTelemetry[]): MeshTelemetry {
  let below = DEFAULT_MESH_TELEMETRY;
  for (const above of said.toReversed()) below = laidOver(above, below);
  return below;
}

function laidOver(above: MeshTelemetry, below: MeshTelemetry): MeshTelemetry {
  const defaults = (of: keyof MeshTelemetry['defaults']): readonly string[] =>
    above.defaults[of].length > 0 ? above.defaults[of] : below.defaults[of];
  return {
    ...below,
    ...above,
    tracingProviders: byName(above.tracingProviders, below.tracingProviders),
    logProviders: byName(above.logProviders, below.logProviders),
    otherProviders: [...new Set([...above.otherProviders, ...below.otherProviders])],
    defaults: {
      tracing: defaults('tracing'),
      accessLogging: defaults('accessLogging'),
      metrics: defaults('metrics'),
    },
  };
}

function byName<P extends { readonly name: string }>(first: readonly P[], then: readonly P[]): readonly P[] {
  return [...first, ...then.filter(({ name }) => !first.some(each => each.name === name))];
}
