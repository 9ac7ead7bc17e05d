// A webhook server with everything around it made of plain objects, and the client's side of the API server.
import { request as httpsRequest } from 'node:https';
import { CertificateAuthority, localSigner } from '../../../src/ca/index.ts';
import { CertificateKeeper } from '../../../src/identity/index.ts';
import { formatSpiffe } from '../../../src/model/index.ts';
import { systemClock } from '../../../src/time/index.ts';
import { injectOptions, type NamespaceMarks } from '../../inject/index.ts';
import type { MeshEvent, WebhookOptions, WebhookSettings } from '../index.ts';
import type { KubeAnswer, KubeApi, KubeCall } from '../kube-api.ts';

/** Keeps what was logged and counted. */
export class Recorder {
  readonly lines: string[] = [];
  readonly admissions: string[] = [];
  readonly eventOutcomes: string[] = [];
  readonly events: MeshEvent[] = [];
  readonly log = {
    info: (_: object, message: string) => void this.lines.push(`info ${message}`),
    warn: (_: object, message: string) => void this.lines.push(`warn ${message}`),
    error: (_: object, message: string) => void this.lines.push(`error ${message}`),
  };
  readonly refusals: string[] = [];
  readonly observer = {
    admission: (outcome: string, code: string) => void this.admissions.push(`${outcome} ${code}`),
    event: (outcome: string) => void this.eventOutcomes.push(outcome),
    refused: (code: string) => void this.refusals.push(code),
  };
}

/** An API server of answers: `answers` maps `METHOD path` to what is answered; everything else is 404. */
export function fakeApi(answers: Record<string, KubeAnswer | ((call: KubeCall) => KubeAnswer)>): KubeApi & {
  readonly calls: KubeCall[];
} {
  const calls: KubeCall[] = [];
  return {
    calls,
    request: call => {
      calls.push(call);
      const answer = answers[`${call.method} ${call.path}`] ?? {
        status: 404,
        body: { message: 'not found' },
      };
      return Promise.resolve(typeof answer === 'function' ? answer(call) : answer);
    },
  };
}

/** A keeper with a certificate of a fresh authority for `names`, as the control plane has one. */
export async function keeperFor(
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ authority: CertificateAuthority; keeper: CertificateKeeper }> {
  const clock = systemClock;
  const authority = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock });
  const identity = {
    trustDomain: 'cluster.local',
    namespace: 'weft-system',
    serviceAccount: 'weft-injector',
  };
  const sign = localSigner(() => authority, identity, { clock, dnsNames: names });
  const keeper = new CertificateKeeper({ clock, sign, principal: formatSpiffe(identity) });
  keeper.start(signal);
  await keeper.obtained(signal);
  return { authority, keeper };
}

/** Settings of the webhook as `weft install` gives them. */
export function settings(given: Partial<WebhookSettings> = {}): WebhookSettings {
  return { inject: injectOptions({ version: '1.2.3' }), refusedPods: 'deny', ...given };
}

/** Options for a server on loopback; `namespaces` are the labels of the namespaces that there are. */
export function webhookOptions(
  record: Recorder,
  keeper: WebhookOptions['certificate'],
  signal: AbortSignal,
  namespaces: Readonly<Record<string, NamespaceMarks>> = {},
): WebhookOptions {
  return {
    listen: { host: '127.0.0.1', port: 0 },
    clock: systemClock,
    log: record.log,
    signal,
    settings: () => settings(),
    namespaces: { get: name => namespaces[name] },
    certificate: keeper,
    events: event => void record.events.push(event),
    observer: record.observer,
  };
}

/** An answer over HTTPS. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** One call, as the API server makes it. */
export function post(
  port: number,
  ca: string,
  body: string | Buffer,
  over: { path?: string; method?: string; type?: string; chunked?: boolean } = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        ca,
        servername: 'weft-injector.weft-system.svc',
        path: over.path ?? '/inject?timeout=5s',
        method: over.method ?? 'POST',
        headers: {
          'content-type': over.type ?? 'application/json',
          ...(over.chunked
            ? { 'transfer-encoding': 'chunked' }
            : { 'content-length': Buffer.byteLength(body) }),
        },
      },
      response => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** A question about a pod. */
export function review(pod: unknown, over: Record<string, unknown> = {}): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u-1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'shop',
      operation: 'CREATE',
      dryRun: false,
      object: pod,
      ...over,
    },
  });
}
