import { WeftError } from '../errors/index.ts';
import { createKeyAndCsr } from '../identity/index.ts';
import { recordOf, recordsOf } from '../plain/index.ts';
import type { Clock } from '../time/index.ts';
import { MADE_BY_LABEL, NAME_PREFIX } from './cert-manager-leftovers.ts';
import type { RemoteIssuer, RemoteSignRequest } from './remote-authority.ts';

/** A call of the Kubernetes API; resolves with every answer, rejects when nobody answered. */
export type KubeRequest = (call: {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}) => Promise<{ readonly status: number; readonly body: unknown }>;

/** An issuer of cert-manager. */
export interface CertManagerOptions {
  readonly request: KubeRequest;
  /** Where the requests are made: the control plane's own namespace. */
  readonly namespace: string;
  /** `Issuer` or `ClusterIssuer` of the group `cert-manager.io`, or of another for external issuers. */
  readonly issuer: { readonly name: string; readonly kind: string; readonly group: string };
  /** PEM of the trusted roots; undefined: what the issuer says of itself, which not every one does. */
  readonly roots?: () => Promise<string>;
  /** Who the control plane is, for finding the roots out. */
  readonly own: string;
  readonly clock: Clock;
}

const firstLookMs = 100;
const longestLookMs = 1_000;

/**
 * cert-manager by its CertificateRequest (https://cert-manager.io/docs/usage/certificaterequest/): made, followed until it is
 * ready, and deleted; `removeLeftovers` sees to those of control planes that were killed meanwhile. cert-manager signs the names
 * of the request, so that RemoteAuthority compares them before.
 */
export class CertManagerIssuer implements RemoteIssuer {
  readonly signsNamesOfRequest = true;
  readonly name: string;
  readonly #options: CertManagerOptions;
  readonly #path: string;
  /** What the last certificate came with. */
  #said: string | undefined;

  constructor(options: CertManagerOptions) {
    this.#options = options;
    const { kind, name } = options.issuer;
    this.name = `cert-manager's ${kind} ${name}`;
    this.#path = `/apis/cert-manager.io/v1/namespaces/${options.namespace}/certificaterequests`;
  }

  async roots(signal: AbortSignal): Promise<readonly string[] | WeftError> {
    const { roots, own } = this.#options;
    if (roots) return [await roots()];
    if (this.#said === undefined) {
      const { csrPem } = createKeyAndCsr({ uri: own });
      const probe = { csrPem, uri: own, dnsNames: [], lifetimeMs: 3_600_000 };
      const signed = await this.sign(probe, signal);
      if (signed instanceof WeftError) return signed;
    }
    if (this.#said !== undefined) return [this.#said];
    return refuse(
      'issuer-roots',
      'it does not say what its root is (status.ca is empty); name a file with rootsFile',
    );
  }

  async sign({ csrPem, lifetimeMs }: RemoteSignRequest, signal: AbortSignal): Promise<string | WeftError> {
    const { request, issuer } = this.#options;
    const body = {
      apiVersion: 'cert-manager.io/v1',
      kind: 'CertificateRequest',
      metadata: {
        generateName: NAME_PREFIX,
        labels: { 'app.kubernetes.io/part-of': 'weft', [MADE_BY_LABEL.key]: MADE_BY_LABEL.value },
      },
      spec: {
        request: Buffer.from(csrPem, 'utf8').toString('base64'),
        issuerRef: issuer,
        duration: `${Math.max(1, Math.ceil(lifetimeMs / 1000))}s`,
        isCA: false,
        usages: ['digital signature', 'server auth', 'client auth'],
      },
    };
    const made = await request({ method: 'POST', path: this.#path, body });
    if (made.status !== 201 && made.status !== 200) return this.#refusal('create', made);
    const name = recordOf(recordOf(made.body).metadata).name;
    if (typeof name !== 'string') return refuse('issuer-answer', 'the CertificateRequest has no name');
    try {
      return await this.#follow(`${this.#path}/${name}`, signal);
    } finally {
      // It has served its purpose whatever came of it, and thousands of them burden the API server.
      void request({ method: 'DELETE', path: `${this.#path}/${name}` }).catch(() => {});
    }
  }

  async #follow(path: string, signal: AbortSignal): Promise<string | WeftError> {
    const { request, clock } = this.#options;
    let waitsFor = 'is cert-manager up, and is there an approver?';
    for (let waitMs = firstLookMs; !signal.aborted; waitMs = Math.min(longestLookMs, waitMs * 2)) {
      const answer = await request({ method: 'GET', path });
      if (answer.status !== 200) return this.#refusal('get', answer);
      const status = recordOf(recordOf(answer.body).status);
      const condition = (type: string) => recordsOf(status.conditions).find(each => each.type === type);
      const denied = condition('Denied');
      const ready = condition('Ready');
      if (
        denied?.status === 'True' ||
        condition('InvalidRequest')?.status === 'True' ||
        ready?.reason === 'Failed'
      ) {
        const why = String((denied?.status === 'True' ? denied : ready)?.message ?? 'without a reason');
        return refuse(
          'issuer-refused',
          `the CertificateRequest was refused: ${why.slice(0, 500)}; see its issuer, and the approver policy`,
        );
      }
      if (ready?.status === 'True' && typeof status.certificate === 'string') {
        if (typeof status.ca === 'string' && status.ca !== '') this.#said = fromBase64(status.ca);
        return fromBase64(status.certificate);
      }
      // Its own words: an issuer that is not there, or not ready.
      if (typeof ready?.message === 'string') waitsFor = `cert-manager says: ${ready.message.slice(0, 500)}`;
      await new Promise<void>(resolve => {
        const cancel = clock.after(waitMs, resolve);
        const aborted = (): void => {
          cancel();
          resolve();
        };
        signal.addEventListener('abort', aborted, { once: true });
      });
    }
    return refuse('issuer-unreachable', `the CertificateRequest was not answered in time; ${waitsFor}`);
  }

  #refusal(verb: string, { status, body }: { readonly status: number; readonly body: unknown }): WeftError {
    const said = recordOf(body).message;
    const why = typeof said === 'string' ? said : `status ${status}`;
    const remedy = status === 404 ? 'is cert-manager installed?' : 'see the Role in docs/certificates.md';
    return refuse(
      status === 403 ? 'issuer-denied' : 'issuer-refused',
      `cannot ${verb} a CertificateRequest: ${why}; ${remedy}`,
    );
  }
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'internal' });
}
