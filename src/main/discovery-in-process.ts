// The whole pipeline inside the proxy, over whatever source: resources without a control plane.
import { randomBytes } from 'node:crypto';
import { followFolder, LiveAuthority, loadOrCreateAuthority, localSigner } from '../ca/index.ts';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { InProcessStream } from '../discovery/index.ts';
import { WeftError } from '../errors/index.ts';
import { CertificateKeeper } from '../identity/index.ts';
import {
  formatSpiffe,
  type Identity,
  type InboundResource,
  type Mesh,
  type Problem,
} from '../model/index.ts';
import { resolveInbound } from '../resolve/index.ts';
import { SecretsFolder, type Source } from '../source/index.ts';
import { UNKNOWN_PEER } from '../telemetry/index.ts';
import type { KindTranslator } from '../translate/index.ts';
import { IdentityMetrics } from './identity-metrics.ts';
import { IssuedCertificates } from './issued-certificates.ts';
import { openPipeline } from './pipeline.ts';
import type { Discovery, DiscoveryContext } from './proxy-discovery.ts';
import { followTicketSecrets } from './ticket-secrets.ts';

/** A source that may take its time. */
export interface InProcessSource {
  readonly source: Source;
  /** Why it has not been read yet; undefined when it has. */
  readonly notReady?: () => string | undefined;
  /** Listen only when everything has been read, because it takes no time or fails for good. */
  readonly readFirst: boolean;
  /** Beside those that everybody reads. */
  readonly dialects?: readonly KindTranslator[];
  /** Folder of the certificates that CertificateIssuers give; '' for none, and then none is asked for. */
  readonly certificates?: string;
}

/** Objects reach the data plane by then, and so do challenges. */
const spreadMs = 1_000;

/** Resources from the source; with an authority's folder the proxy also signs its own certificate. */
export async function openInProcess(
  config: ProxyConfig,
  context: DiscoveryContext,
  { source, notReady, readFirst, dialects = [], certificates: folder = '' }: InProcessSource,
): Promise<Discovery> {
  const { clock, log, signal, tls } = context;
  const { trustDomain, clusterDomain } = config;
  let isReady = false;
  let gateways: Mesh['gateways'] | undefined;
  // A gateway that is told none by name serves all there are.
  const announce = (mesh: Mesh): void => {
    if (!isReady || config.gateway?.names.length !== 0 || mesh.gateways === gateways) return;
    gateways = mesh.gateways;
    context.gatewaysFound?.([...gateways.keys()]);
  };
  const secrets = new SecretsFolder(
    folder,
    (of, name) => pipeline.registry.get('Secret', `${of}/${name}`)?.object,
  );
  const certificates =
    folder === '' ? undefined : new IssuedCertificates({ store: secrets, clock, log, spreadMs });
  const { pipeline, started } = openPipeline(
    {
      sources: [source, ...(certificates ? [secrets] : [])],
      ...{ dialects, trustDomain, clusterDomain, clock, log },
      ...(config.gateway && {
        gatewayPorts: { offset: config.gateway.portOffset, taken: Object.values(config.ports) },
      }),
      onMesh: mesh => {
        announce(mesh);
        certificates?.follow(mesh);
      },
    },
    signal,
  );
  if (readFirst) await started;
  const keeper = config.caDir === '' ? undefined : await keepCertificate(config, context);
  const identity = new IdentityMetrics(tls, clock);
  const { namespace, name } = config.pod;
  const problems = (): readonly Problem[] => [...pipeline.problems(), ...(certificates?.problems() ?? [])];
  const waiting = new Set<string>();
  let stream: InProcessStream | undefined;
  const begin = (): void => {
    if (signal.aborted) return;
    stream = new InProcessStream({
      hub: pipeline.hub,
      sink: { apply: resource => context.apply(resource), connection() {} },
      log,
      caller: { namespace, labels: pipeline.mesh.workloads.get(`${namespace}/${name}`)?.labels ?? {} },
      pod: `${namespace}/${name}`,
      source: source.name,
    });
    stream.start();
    if (config.gateway !== undefined) {
      const secret = randomBytes(32);
      followTicketSecrets(pipeline.hub, () => secret, clock, signal);
    }
    isReady = true;
    certificates?.follow(pipeline.mesh);
    certificates?.lead(signal);
    announce(pipeline.mesh);
    for (const key of waiting) stream.want(key);
    waiting.clear();
    if (resolveInbound(pipeline.mesh, `${namespace}/${name}`).resource === undefined)
      context.apply(nobodySays(config));
  };
  return {
    // Nothing is answered before everything has been read: half a mesh knows half of the destinations.
    want: key => (stream ? stream.want(key) : void waiting.add(key)),
    forget: key => (stream ? stream.forget(key) : void waiting.delete(key)),
    start: () => void started.then(begin),
    notReady: () =>
      notReady?.() ??
      (keeper !== undefined && keeper.credentials === undefined ? 'no certificate yet' : undefined),
    status: () => ({ discovery: source.name, problems: problems(), principal: tls.principal }),
    metrics(out) {
      identity.render(out);
      out.family('weft_config_problems', 'gauge', 'Things wrong with the objects that were read.');
      out.sample('weft_config_problems', '', problems().length);
    },
  };
}

/** A proxy that is no pod of what was read, as on somebody's own machine: no policy is about it, and nothing is waited for. */
function nobodySays({ pod, mtlsUntilKnown: defaultMtls }: ProxyConfig): InboundResource {
  const key = `${pod.namespace}/${pod.name}`;
  return { kind: 'inbound', key, self: UNKNOWN_PEER, ports: [], defaultMtls };
}

async function keepCertificate(
  config: ProxyConfig,
  { clock, log, tls, signal }: DiscoveryContext,
): Promise<CertificateKeeper> {
  const authority = await loadOrCreateAuthority(config.caDir, { trustDomain: config.trustDomain, clock });
  if (authority instanceof WeftError) throw authority;
  const live = new LiveAuthority(authority, { clock });
  followFolder({ folder: config.caDir, live, clock, signal });
  const { namespace, serviceAccount } = config.pod;
  const identity: Identity = { trustDomain: config.trustDomain, namespace, serviceAccount };
  const keeper = new CertificateKeeper({
    clock,
    sign: localSigner(() => live, identity, { clock }),
    principal: formatSpiffe(identity),
    notice: ({ severity, code, message }) =>
      log[severity === 'warning' ? 'warn' : severity]({ code }, message),
  });
  keeper.subscribe(credentials => tls.update(credentials));
  keeper.start(signal);
  const unsubscribe = live.subscribe(change => {
    if (change === 'roots') void keeper.trust(live.roots);
    else keeper.renew();
  });
  signal.addEventListener('abort', unsubscribe, { once: true });
  await keeper.obtained(signal);
  return keeper;
}
