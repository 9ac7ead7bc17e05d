// Explanations as people read them.

import type { ExplainedHop, Explanation, FailureGroup } from '../../explain/index.ts';
import { statusName } from '../../grpc/index.ts';
import { formatRef, type ProxyRecord, type RequestRecord } from '../../model/index.ts';
import { plainText, type Screen, shortTime, table } from '../table.ts';

/** Cause, object and remedy first; then the way that the request took. `wide`: endpoints and filters too. */
export function explanationText(explanation: Explanation, wide: boolean): string {
  const { hops, cause, decidedAt, notes } = explanation;
  const blocks: string[][] = [];
  const first = hops[0]!.record;
  blocks.push([`request ${explanation.id === '' ? '(no id)' : explanation.id}: ${outcome(first)}`]);
  if (cause !== undefined) {
    blocks.push([
      `cause    ${cause.words} (${cause.code})`,
      ...(cause.object === undefined ? [] : [`decided  ${formatRef(cause.object)}`]),
      `remedy   ${cause.remedy}`,
      ...cause.commands.map(command => `         ${command}`),
    ]);
  } else blocks.push(['nothing failed']);
  if (notes.length > 0) blocks.push(notes.map(note => `note: ${note}`));
  blocks.push(hops.flatMap((hop, at) => hopText(hop, at === decidedAt, wide)));
  return blocks.map(lines => lines.map(plainText).join('\n')).join('\n\n');
}

/** Groups of failures, a line each, and below it what to do. */
export function recentText(groups: readonly FailureGroup[], nowMs: number, screen: Screen): string {
  if (groups.length === 0) return 'no failures of late';
  const rows = groups.map(({ cause, count, lastMs, ids }) => [
    `${count}`,
    `${shortTime((nowMs - lastMs) / 1000)} ago`,
    cause.code,
    cause.object === undefined ? '-' : formatRef({ ...cause.object, origin: undefined }),
    ids[0] ?? '-',
    cause.words,
  ]);
  const head = ['COUNT', 'LAST', 'CAUSE', 'DECIDED BY', 'EXAMPLE', 'WORDS'];
  return table(head, rows, screen).join('\n');
}

function outcome(record: ProxyRecord): string {
  const took = `after ${ms(record.durationMs)}`;
  if (record.kind === 'refusal')
    return `refused${record.status === 0 ? '' : ` with ${record.status}`} (${record.flag})`;
  if (record.kind === 'session') return `a connection, ${record.flag === '' ? 'ended' : record.flag} ${took}`;
  if (record.kind === 'mirror') return `a copy for a mirror, ${record.flag} ${took}`;
  const what = `${record.method} ${record.authority}${record.path}`;
  return `${what} ${record.status === 0 ? 'was not answered' : `was answered ${answer(record)}`}${flagText(record)} ${took}`;
}

/** The status, with that of a gRPC call: `200 UNAVAILABLE`. */
function answer(record: ProxyRecord): string {
  const { status } = record;
  const grpcStatus = record.kind === 'request' ? record.grpcStatus : undefined;
  return grpcStatus === undefined ? String(status) : `${status} ${statusName(grpcStatus)}`;
}

function flagText({ flag, code }: ProxyRecord): string {
  return flag === '' ? '' : ` (${flag}${code === '' ? '' : `, ${code}`})`;
}

function hopText({ depth, proxy, record }: ExplainedHop, decided: boolean, wide: boolean): string[] {
  const indent = '  '.repeat(depth);
  const mark = decided ? '✗' : '·';
  const lines = [
    `${mark} ${proxy.namespace}/${proxy.pod} ${record.direction}${record.kind === 'request' ? '' : ` ${record.kind}`}: ${
      record.status === 0 ? '-' : answer(record)
    }${flagText(record)} ${ms(record.durationMs)}`,
  ];
  if (record.kind === 'request') lines.push(...requestLines(record, wide));
  if (record.detail !== '') lines.push(`  said      ${record.detail}`);
  return lines.map(line => indent + line);
}

function requestLines(record: RequestRecord, wide: boolean): string[] {
  const { route, cluster, filters, endpoints, tries, destination } = record;
  const lines: string[] = [];
  const by = route?.from === undefined ? ' (nobody said anything)' : ` of ${formatRef(route.from)}`;
  if (record.direction === 'outbound' && destination !== undefined)
    lines.push(
      `  to        ${destination.host}${destination.found === 'unknown' ? ' (not in the mesh)' : `:${destination.port}`}`,
    );
  if (record.direction === 'outbound' && route !== undefined) lines.push(`  route     ${route.name}${by}`);
  if (filters.length > 0)
    lines.push(`  filters   ${filters.map(({ filter, verdict }) => `${filter} ${verdict}`).join(', ')}`);
  if (record.direction === 'outbound' && cluster !== undefined) {
    const ready = endpoints === undefined ? '' : `, ${endpoints.ready} of ${endpoints.total} ready`;
    const out = endpoints === undefined || endpoints.ejected === 0 ? '' : `, ${endpoints.ejected} ejected`;
    lines.push(`  cluster   ${cluster.name} (${cluster.balancer}${ready}${out})`);
  }
  if (wide)
    for (const each of endpoints?.endpoints ?? [])
      lines.push(
        `  endpoint  ${each.endpoint}${each.pod === '' ? '' : ` ${each.pod}`}: ${each.state}${each.why === undefined ? '' : ` (${each.why})`}`,
      );
  for (const each of tries) {
    const where = `${each.endpoint}${each.pod === '' ? '' : ` ${each.pod}`}`;
    const answer = each.status === 0 ? '' : ` ${each.status}`;
    const why = each.detail === '' ? '' : `: ${each.detail}`;
    lines.push(
      `  try       +${ms(each.afterMs)} ${where} (${each.why}) ${each.end}${answer} in ${ms(each.durationMs)}${why}`,
    );
  }
  return lines;
}

function ms(value: number): string {
  return value >= 10_000
    ? `${Math.round(value / 1000)} s`
    : `${value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} ms`;
}
