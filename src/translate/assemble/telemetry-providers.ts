import {
  type Mesh,
  type MeshTelemetry,
  type Problem,
  problem,
  type TelemetryPolicy,
} from '../../model/index.ts';

/** One problem for each provider that a Telemetry object names and that the mesh's settings do not have, or not for that. */
export function* providerProblems(mesh: Mesh): Iterable<Problem> {
  for (const policies of mesh.telemetry.values()) {
    for (const policy of policies) yield* problemsOf(policy, mesh.telemetrySettings);
  }
}

type Section = 'metrics' | 'accessLogging' | 'tracing';

function* problemsOf(policy: TelemetryPolicy, settings: MeshTelemetry): Iterable<Problem> {
  const logs = settings.logProviders.map(each => each.name);
  const tracing = settings.tracingProviders.map(each => each.name);
  const known = { metrics: ['prometheus'], accessLogging: logs, tracing };
  const all = [...logs, ...tracing, ...settings.otherProviders];
  for (const section of Object.keys(known) as Section[]) {
    for (const [index, { providers = [] }] of policy[section].entries()) {
      for (const name of providers) {
        if (known[section].includes(name)) continue;
        const path = `spec.${section}[${index}].providers`;
        const why = all.includes(name) ? otherUse(section) : undefined;
        const words =
          why === undefined
            ? `no provider is called '${name}'; ${remedies[section]}`
            : `provider '${name}' ${why}; ${remedies[section]}`;
        yield problem('telemetry-provider-unknown', `${path}: ${words}`, {
          object: policy.from,
          path,
          severity: 'warning',
        });
      }
    }
  }
}

function otherUse(section: Section): string {
  if (section === 'metrics') return 'gets no metrics from proxies';
  return section === 'tracing' ? 'takes no spans that could be sent to it' : 'takes no access log';
}

const remedies: Readonly<Record<Section, string>> = {
  metrics: 'prometheus scrapes them, and nobody else has them',
  accessLogging:
    'name envoy, or one of extensionProviders in the ConfigMap istio or weft-mesh with envoyFileAccessLog or envoyOtelAls',
  tracing: 'name one of extensionProviders in the ConfigMap istio or weft-mesh with zipkin or opentelemetry',
};
