// For tests: a certificate authority, a discovery server on a free port of loopback, and whoever connects to it.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { CertificateAuthority, JwtTokenVerifier, TokenIssuer, type TokenVerifier } from '../../ca/index.ts';
import { WeftError } from '../../errors/index.ts';
import {
  type Credentials,
  type CredentialsListener,
  createKeyAndCsr,
  readCredentials,
} from '../../identity/index.ts';
import { type Identity, parseSpiffe } from '../../model/index.ts';
import { silentLog } from '../../telemetry/index.ts';
import { type Clock, systemClock } from '../../time/index.ts';
import type { QuestionHandler } from '../client.interface.ts';
import { DiscoveryClient } from '../client.ts';
import type { ControlPlane } from '../control-plane-connection.ts';
import type {
  CredentialSource,
  DiscoveryLimits,
  DiscoveryObserver,
  DiscoveryServerOptions,
} from '../server.interface.ts';
import { DiscoveryServer } from '../server.ts';
import type { RecordingSink } from './recording-sink.ts';
import type { TestMesh } from './stream-suite.ts';

/** SPIFFE id of the control plane in tests. */
export const controlPlaneId = 'spiffe://cluster.local/ns/weft-system/sa/weft-injector';

/** SPIFFE id of the pod shop/front-0. */
export const frontId = 'spiffe://cluster.local/ns/shop/sa/front';

/** Credentials that tests exchange. */
export class TestCredentials implements CredentialSource {
  credentials: Credentials | undefined;
  readonly #listeners = new Set<CredentialsListener>();

  constructor(credentials?: Credentials) {
    this.credentials = credentials;
  }

  set(credentials: Credentials): void {
    this.credentials = credentials;
    for (const listener of this.#listeners) listener(credentials, 'certificate');
  }

  subscribe(listener: CredentialsListener): () => void {
    this.#listeners.add(listener);
    if (this.credentials) listener(this.credentials, 'certificate');
    return () => this.#listeners.delete(listener);
  }
}

/** What of a SecureMesh tests choose. */
export interface SecureMeshOptions {
  readonly clock?: Clock;
  readonly limits?: Partial<DiscoveryLimits>;
  readonly observer?: DiscoveryObserver;
  readonly port?: number;
  readonly authority?: CertificateAuthority;
  /** Instead of one that knows the keys of `tokens`. */
  readonly verifier?: TokenVerifier;
  readonly podOf?: DiscoveryServerOptions['podOf'];
}

/** A running server and all that is needed to talk to it. Ends with the test. */
export class SecureMesh {
  readonly authority: CertificateAuthority;
  readonly tokens: TokenIssuer;
  readonly server: DiscoveryServer;
  readonly clock: Clock;
  readonly stop = new AbortController();
  port = 0;

  private constructor(mesh: TestMesh, options: SecureMeshOptions) {
    this.clock = options.clock ?? systemClock;
    const { clock } = this;
    this.authority =
      options.authority ?? CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock });
    this.tokens = good(TokenIssuer.create({ issuer: 'test', clock }));
    const jwt = { jwks: this.tokens.jwks(), issuer: 'test', trustDomain: 'cluster.local', clock };
    this.server = new DiscoveryServer({
      hub: mesh.hub,
      signer: this.authority,
      verifier: options.verifier ?? good(JwtTokenVerifier.create(jwt)),
      ...(options.podOf && { podOf: options.podOf }),
      credentials: new TestCredentials(this.issue(controlPlaneId)),
      clock,
      log: silentLog,
      ...(options.limits && { limits: options.limits }),
      ...(options.observer && { observer: options.observer }),
    });
  }

  static async start(
    context: TestContext,
    mesh: TestMesh,
    options: SecureMeshOptions = {},
  ): Promise<SecureMesh> {
    const secure = new SecureMesh(mesh, options);
    secure.port = await secure.server.start(
      { host: '127.0.0.1', port: options.port ?? 0 },
      secure.stop.signal,
    );
    context.after(() => secure.stop.abort());
    return secure;
  }

  get controlPlane(): ControlPlane {
    return {
      address: { host: '127.0.0.1', port: this.port },
      identity: controlPlaneId,
      bootstrapRoots: () => this.authority.roots,
    };
  }

  /** A fresh certificate for a SPIFFE id. */
  issue(principal: string, lifetimeMs?: number, podUid?: string): Credentials {
    const { keyPem, csrPem } = createKeyAndCsr();
    const identity: Identity = parseSpiffe(principal)!;
    const signed = good(
      this.authority.sign(csrPem, identity, { podUid, ...(lifetimeMs !== undefined && { lifetimeMs }) }),
    );
    const parts = { keyPem, chainPem: signed.chainPem, roots: this.authority.roots };
    return good(readCredentials(parts, this.clock.now()));
  }

  /** A started client for the pod shop/front-0. Ends with the test. */
  client(
    context: TestContext,
    sink: RecordingSink,
    credentials?: CredentialSource,
    controlPlane: Partial<ControlPlane> = {},
    questions?: QuestionHandler,
  ): DiscoveryClient {
    const client = new DiscoveryClient({
      // With its getters: a Service brings every connection somewhere else.
      controlPlane: Object.defineProperties(
        this.controlPlane,
        Object.getOwnPropertyDescriptors(controlPlane),
      ),
      credentials: credentials ?? new TestCredentials(this.issue(frontId)),
      namespace: 'shop',
      pod: 'front-0',
      proxyVersion: 'test',
      sink,
      ...(questions && { questions }),
      clock: systemClock,
      log: silentLog,
      // Waits are as short as they can be.
      random: () => 0.999,
    });
    client.start();
    context.after(() => client.close());
    return client;
  }
}

function good<T>(value: T | WeftError): T {
  assert.ok(!(value instanceof WeftError), String(value));
  return value;
}
