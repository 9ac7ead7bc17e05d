// What is to be known beside the cause: what is missing from the picture, and what made it worse.
import type { ProxyRecord, ProxyRecords, RequestRecord } from '../model/index.ts';
import { triesInWords } from './causes/record.ts';
import type { Found, Hop } from './hops.ts';

/** The certificate is renewed long before: what lives shorter is not renewed. */
const soonMs = 600_000;

/** In plain sentences without a full stop, the most telling first. */
export function notesOf(
  hops: readonly Hop[],
  found: Found | undefined,
  answers: readonly ProxyRecords[],
): readonly string[] {
  const notes = hops.flatMap(hop => [...ofHop(hop, hop === found?.at), ...missing(hop, answers)]);
  const states = new Map(hops.map(({ told }) => [`${told.self.namespace}/${told.self.pod}`, told.state]));
  for (const [pod, state] of states) {
    if (state === undefined) continue;
    if (!state.connected)
      notes.push(
        `the proxy of ${pod} is cut off from the control plane (${state.reason}): what it knows may be old`,
      );
    if (state.certificateExpiresInMs !== undefined && state.certificateExpiresInMs < soonMs)
      notes.push(
        `the certificate of ${pod} ${state.certificateExpiresInMs < 0 ? 'has expired' : `expires in ${Math.round(state.certificateExpiresInMs / 1000)} s`}${state.certificateError === undefined ? '' : `: ${state.certificateError}`}`,
      );
    if (state.draining) notes.push(`${pod} is being stopped`);
  }
  return [...new Set(notes)];
}

function ofHop({ told }: Hop, isCause: boolean): readonly string[] {
  const { record } = told;
  if (record.kind === 'refusal') return [];
  if (record.kind === 'mirror')
    return isCause ? [] : [`a copy for the mirror ${record.cluster.host} failed: ${record.detail}`];
  const notes: string[] = [];
  const { endpoints } = record;
  const out = endpoints?.endpoints.filter(each => each.state === 'ejected') ?? [];
  if (endpoints !== undefined && out.length > 0) {
    const why = [...new Set(out.map(each => each.why ?? ''))].join(', ');
    notes.push(
      `${out.length} of ${endpoints.ready} endpoints of ${nameOf(record)} were out for failing before (${why})`,
    );
  }
  if (endpoints !== undefined && endpoints.ready < endpoints.total && endpoints.ready > 0)
    notes.push(
      `${endpoints.total - endpoints.ready} of ${endpoints.total} pods of ${nameOf(record)} are not ready`,
    );
  if (record.kind !== 'request') return notes;
  const tries = triesInWords(record);
  if (isCause && (record.attempts > 1 || record.noRetry !== '') && tries !== '') notes.push(tries);
  const delay = record.filters.find(({ filter }) => filter === 'fault-delay');
  if (record.flag === 'DI' || (delay !== undefined && delay.verdict === 'waited')) {
    const by = record.route?.from;
    notes.push(
      `it was held up on purpose${by === undefined ? '' : ` (${by.kind} ${by.name}.${by.namespace})`}`,
    );
  }
  return notes;
}

/** Tries at pods of the mesh whose proxies say nothing of them. */
function missing({ told: { record }, next }: Hop, answers: readonly ProxyRecords[]): readonly string[] {
  if (record.kind !== 'request' || record.direction !== 'outbound') return [];
  return record.tries
    .filter(each => each.mesh && each.pod !== '' && !arrived(each, next) && reached(each))
    .map(({ namespace, pod }) => {
      const answer = answers.find(({ self }) => self.namespace === namespace && self.pod === pod);
      const name = `${namespace}/${pod}`;
      if (answer === undefined) return `the proxy of ${name} was not asked, or did not answer`;
      return answer.keeps
        ? `the proxy of ${name} has no record of it: nothing was remarkable there, or it made room for others since`
        : `the proxy of ${name} keeps no record (weft.dev/request-record: off)`;
    });
}

function arrived({ namespace, pod }: RequestRecord['tries'][number], next: readonly Hop[]): boolean {
  return next.some(({ told: { self } }) => self.namespace === namespace && self.pod === pod);
}

/** Whether the other proxy can have seen it. */
function reached({ end }: RequestRecord['tries'][number]): boolean {
  return end !== 'no-connection' && end !== 'endpoint-gone';
}

function nameOf(record: Exclude<ProxyRecord, { kind: 'refusal' | 'mirror' }>): string {
  const { cluster } = record;
  return cluster === undefined
    ? ''
    : cluster.service === ''
      ? cluster.name
      : `${cluster.service}.${cluster.namespace}`;
}
