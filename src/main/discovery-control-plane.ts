import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { VERSION } from '../config/version.ts';
import {
  DiscoveryClient,
  type ResourceSink,
  type ResourceStream,
  remoteSigner,
  Snapshot,
} from '../discovery/index.ts';
import { CertificateKeeper } from '../identity/index.ts';
import { formatAddress, formatSpiffe, type Resource } from '../model/index.ts';
import { ConfigurationAge } from './configuration-age.ts';
import { IdentityMetrics } from './identity-metrics.ts';
import { KeptCredentials } from './kept-credentials.ts';
import type { Discovery, DiscoveryContext } from './proxy-discovery.ts';

/** Certificate and resources from the control plane, over one address; the last resources from disk until it answers. */
export function openControlPlane(config: ProxyConfig, context: DiscoveryContext): Discovery {
  return new ControlPlaneDiscovery(config, context);
}

class ControlPlaneDiscovery implements Discovery {
  readonly #config: ProxyConfig;
  readonly #context: DiscoveryContext;
  readonly #keeper: CertificateKeeper;
  readonly #credentials: KeptCredentials;
  readonly #client: DiscoveryClient;
  readonly #stream: ResourceStream;
  readonly #snapshot: Snapshot | undefined;
  readonly #sink: ResourceSink;
  readonly #age: ConfigurationAge;
  readonly #identity: IdentityMetrics;
  #connected = false;
  #reason = 'not connected yet';
  #knowsInbound = false;
  #nacks = 0;

  constructor(config: ProxyConfig, context: DiscoveryContext) {
    this.#config = config;
    this.#context = context;
    const { clock, log, tls } = context;
    this.#age = new ConfigurationAge(clock);
    this.#identity = new IdentityMetrics(tls, clock);
    const { namespace, name, serviceAccount } = config.pod;
    const pod = `${namespace}/${name}`;
    const controlPlane = {
      address: config.controlPlane,
      identity: config.controlPlaneIdentity,
      isIdentity: (found: string) => tls.peers.isExpected(found, config.controlPlaneIdentity),
      bootstrapRoots: () => readRoots(config.rootCertificateFile),
    };
    const principal = formatSpiffe({ trustDomain: config.trustDomain, namespace, serviceAccount });
    this.#keeper = new CertificateKeeper({
      clock,
      sign: remoteSigner({
        controlPlane,
        token: () => readToken(config.tokenFile),
        credentials: () => this.#credentials.credentials,
      }),
      principal,
      isPrincipal: found => tls.peers.isExpected(found, principal),
      notice: ({ severity, code, message }) =>
        log[severity === 'warning' ? 'warn' : severity]({ code }, message),
    });
    this.#credentials = new KeptCredentials(this.#keeper, config.stateDir, principal, clock, log);
    this.#credentials.subscribe(credentials => tls.update(credentials));
    this.#credentials.start();
    const own: ResourceSink = {
      apply: resource => this.#apply(resource),
      connection: (up, reason) => this.#connection(up, reason),
    };
    this.#snapshot =
      config.stateDir === '' ? undefined : new Snapshot({ folder: config.stateDir, pod, clock, log });
    this.#sink = this.#snapshot?.keeping(own) ?? own;
    this.#client = new DiscoveryClient({
      controlPlane,
      credentials: this.#credentials,
      namespace,
      pod: name,
      ...(config.machine && { machine: config.machine.claim }),
      proxyVersion: VERSION,
      sink: this.#sink,
      questions: context.questions,
      clock,
      log,
    });
    this.#stream = this.#snapshot?.following(this.#client) ?? this.#client;
  }

  start(): void {
    const { signal } = this.#context;
    this.#keeper.start(signal);
    signal.addEventListener('abort', () => this.#client.close(), { once: true });
    void this.#restore().then(() => this.#client.start());
  }

  want(key: string): void {
    this.#stream.want(key);
  }

  forget(key: string): void {
    this.#stream.forget(key);
  }

  program(digest: string): Promise<Buffer> {
    return this.#client.program(digest);
  }

  notReady(): string | undefined {
    const { host, port } = this.#config.controlPlane;
    const where = formatAddress(host, port);
    if (this.#credentials.credentials === undefined) {
      return `no certificate from the control plane at ${where} yet: ${this.#keeper.report().lastError ?? 'asking'}`;
    }
    if (!this.#knowsInbound)
      return `the control plane at ${where} has not told yet what this workload accepts: ${this.#reason}`;
    return undefined;
  }

  status(): Record<string, unknown> {
    return {
      discovery: 'control-plane',
      connected: this.#connected,
      reason: this.#reason,
      certificate: { principal: this.#credentials.credentials?.principal, ...this.#keeper.report() },
      refusedResources: this.#nacks,
    };
  }

  metrics(out: Parameters<Discovery['metrics']>[0]): void {
    this.#identity.render(out);
    const gauge = (name: string, help: string, value: number): void => {
      out.family(name, 'gauge', help);
      out.sample(name, '', value);
    };
    gauge(
      'weft_control_plane_connected',
      'Whether the stream to the control plane is up.',
      this.#connected ? 1 : 0,
    );
    gauge(
      'weft_configuration_age_seconds',
      'For how long nobody has stood behind what this proxy goes by: 0 while the control plane does.',
      this.#age.seconds,
    );
    const { expiresInMs = 0, lifeMs = 0, failures } = this.#keeper.report();
    gauge('weft_certificate_expires_seconds', 'Life left of the certificate, seconds.', expiresInMs / 1000);
    gauge('weft_certificate_life_seconds', 'Life of the certificate when it came, seconds.', lifeMs / 1000);
    gauge(
      'weft_certificate_failed_attempts',
      'Attempts to get a certificate that have failed since the last one that brought one.',
      failures,
    );
    out.family(
      'weft_refused_resources_total',
      'counter',
      'Resources that were refused because they could not be put to use.',
    );
    out.sample('weft_refused_resources_total', '', this.#nacks);
  }

  async #restore(): Promise<void> {
    if (this.#snapshot === undefined) return;
    const keys = await this.#snapshot.restore({
      apply: resource => this.#apply(resource, true),
      connection() {},
    });
    for (const key of keys) this.#stream.want(key);
  }

  #apply(resource: Resource, restored = false): string | undefined {
    const untrusted = resource.kind === 'trust' ? this.#keeper.trust(resource.roots)?.message : undefined;
    if (untrusted !== undefined) return untrusted;
    if (resource.kind === 'trust') this.#keeper.leadTo(resource.issuerRoot ?? '');
    const refused = restored ? this.#context.restore(resource) : this.#context.apply(resource);
    if (refused !== undefined) this.#nacks++;
    else if (resource.kind === 'inbound') this.#knowsInbound = true;
    return refused;
  }

  #connection(up: boolean, reason: string): void {
    if (up !== this.#connected) {
      const fields = {
        controlPlane: formatAddress(this.#config.controlPlane.host, this.#config.controlPlane.port),
      };
      if (up) this.#context.log.info(fields, 'connected to the control plane');
      else
        this.#context.log.warn(
          { ...fields, reason },
          'the control plane is away; traffic goes on with what is known',
        );
    }
    this.#age.connection(up);
    this.#connected = up;
    this.#reason = reason;
  }
}

/** PEM certificates of a file; none when it cannot be read, which the connection attempt then explains. */
function readRoots(file: string): readonly string[] {
  try {
    return [readFileSync(file, 'utf8')];
  } catch {
    return [];
  }
}

async function readToken(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    return undefined;
  }
}
