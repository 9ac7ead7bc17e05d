import { createHash, X509Certificate } from 'node:crypto';
import { shellText, shellWord } from '../../model/index.ts';
import { isRecord } from '../../plain/index.ts';
import type { Clock } from '../../time/index.ts';
import {
  type Access,
  type AccessDenied,
  type Caller,
  type Proof,
  type Right,
  rightText,
} from './access.interface.ts';
import { BriefCache } from './brief-cache.ts';

/** Posts a review to the API server; resolves with its status, or an Error. */
export type Review = (
  path: string,
  review: Readonly<Record<string, unknown>>,
) => Promise<Readonly<Record<string, unknown>> | Error>;

/** What access of a cluster is made of. */
export interface ClusterAccessOptions {
  readonly review: Review;
  readonly clock: Clock;
  /** PEM of the authorities that sign users' client certificates, as far as they are known. */
  readonly clientAuthorities: () => readonly string[];
}

/** Who was let in is asked about again after this, so that a right that is taken away is gone. */
const keepMs = 10_000;
const entries = 1_000;
/** Reviews under way at the same time; who comes beyond them is asked to come again. */
const maxUnderWay = 32;

/** Asks the API server who somebody is (TokenReview) and what they may (SubjectAccessReview), as extension API servers do. */
export class ClusterAccess implements Access {
  readonly #options: ClusterAccessOptions;
  readonly #callers: BriefCache<Caller | AccessDenied>;
  readonly #verdicts: BriefCache<AccessDenied | undefined>;
  #underWay = 0;

  constructor(options: ClusterAccessOptions) {
    this.#options = options;
    this.#callers = new BriefCache(options.clock, keepMs, entries);
    this.#verdicts = new BriefCache(options.clock, keepMs, entries);
  }

  async authenticate({ token, socket }: Proof): Promise<Caller | AccessDenied> {
    if (token !== undefined) {
      const key = createHash('sha256').update(token).digest('base64');
      return this.#callers.get(key, () => this.#tokenReview(token), isCaller);
    }
    const certificate = socket?.authorized ? socket.getPeerX509Certificate() : undefined;
    return callerOf(certificate, this.#options.clientAuthorities()) ?? noProof;
  }

  authorize(caller: Caller, right: Right, namespace: string): Promise<AccessDenied | undefined> {
    const key = JSON.stringify([caller, right, namespace]);
    return this.#verdicts.get(key, () => this.#accessReview(caller, right, namespace), isAllowed);
  }

  async #tokenReview(token: string): Promise<Caller | AccessDenied> {
    const status = await this.#ask('authentication.k8s.io', 'TokenReview', { token });
    if ('why' in status) return status as unknown as AccessDenied;
    const { user } = status;
    if (status.authenticated !== true || !isRecord(user) || !isText(user.username)) {
      const said = isText(status.error) ? ` (${status.error.slice(0, 200)})` : '';
      const why = `the API server does not take the token${said}; log in anew, or give another with --token-file: kubectl create token ACCOUNT`;
      return { code: 'live-unproven', why };
    }
    return {
      name: user.username,
      ...(isText(user.uid) && { uid: user.uid }),
      groups: textList(user.groups),
      ...(isRecord(user.extra) && { extra: user.extra as Record<string, readonly string[]> }),
    };
  }

  async #accessReview(caller: Caller, right: Right, namespace: string): Promise<AccessDenied | undefined> {
    const { name: user, groups, uid, extra } = caller;
    const status = await this.#ask('authorization.k8s.io', 'SubjectAccessReview', {
      ...{ user, groups, ...(uid !== undefined && { uid }), ...(extra && { extra }) },
      resourceAttributes: {
        ...{ group: 'weft.dev', resource: 'pods', subresource: right.subresource, verb: right.verb },
        ...(namespace !== '' && { namespace }),
      },
    });
    if ('why' in status) return status as unknown as AccessDenied;
    return status.allowed === true
      ? undefined
      : { code: 'live-forbidden', why: missing(caller, right, namespace) };
  }

  async #ask(
    group: string,
    kind: string,
    spec: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>> | AccessDenied> {
    if (this.#underWay >= maxUnderWay)
      return { code: 'live-unavailable', why: 'too many want to be let in just now; come again in a moment' };
    this.#underWay++;
    const plural = `${kind.toLowerCase()}s`;
    const review = { apiVersion: `${group}/v1`, kind, spec };
    const answer = await this.#options
      .review(`/apis/${group}/v1/${plural}`, review)
      .finally(() => this.#underWay--);
    if (!(answer instanceof Error)) return answer;
    const why = `the API server cannot be asked who may do this (${answer.message}); see that the control plane may create ${plural}.${group}, and weft check`;
    return { code: 'live-unavailable', why };
  }
}

const noProof: AccessDenied = {
  code: 'live-unproven',
  why: 'neither a token nor a client certificate of this cluster came; use a kubeconfig with one of them, or --token-file with what kubectl create token ACCOUNT prints',
};

function isCaller(found: Caller | AccessDenied): boolean {
  return !('why' in found);
}

function isAllowed(found: AccessDenied | undefined): boolean {
  return found === undefined;
}

/**
 * Who the certificate is of, by the rule of the API server: the common name is the user, organizations are groups. Undefined when
 * none of the authorities issued it itself: to lead to a trusted root is not enough, for those of the mesh are trusted too.
 */
export function callerOf(
  certificate: X509Certificate | undefined,
  authorities: readonly string[],
): Caller | undefined {
  if (!certificate || !isIssuedByAny(certificate, authorities)) return undefined;
  const { CN: name, O: groups = [] } = certificate.toLegacyObject().subject as unknown as {
    readonly CN?: string | string[];
    readonly O?: string | string[];
  };
  if (!isText(name)) return undefined;
  return { name, groups: [...[groups].flat(), 'system:authenticated'] };
}

/** Whether one of the authorities (PEM) issued the certificate itself. */
export function isIssuedByAny(certificate: X509Certificate, authorities: readonly string[]): boolean {
  return authorities.flatMap(readAll).some(each => isIssuedBy(certificate, each));
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function readAll(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).flatMap(each => {
    try {
      return [new X509Certificate(each)];
    } catch {
      return [];
    }
  });
}

/** Which right is missing, and what whoever administers the cluster types to give it. */
function missing({ name }: Caller, right: Right, namespace: string): string {
  const role =
    right.subresource === 'upgrade' ? 'weft-upgrade' : right.verb === 'create' ? 'weft-tap' : 'weft-viewer';
  const where = namespace === '' ? 'in all namespaces' : `in namespace ${namespace}`;
  const [, accountNamespace, account] = /^system:serviceaccount:([^:]+):(.+)$/.exec(name) ?? [];
  const who =
    account === undefined ? `--user=${shellText(name)}` : `--serviceaccount=${accountNamespace}:${account}`;
  const binding = `${role}-${(account ?? name).toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
  const command =
    namespace === ''
      ? `kubectl create clusterrolebinding ${binding} --clusterrole=${role} ${who}`
      : `kubectl create rolebinding ${binding} -n ${shellWord(namespace)} --clusterrole=${role} ${who}`;
  const narrower = namespace === '' ? '; or ask about one namespace with -n' : '';
  return `${name} has not the right to ${rightText(right)} ${where}; who administers the cluster gives it with: ${command}${narrower}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function textList(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : [];
}
