// Claims about bytes: a server that speaks first, and headers as they were sent.
import type { BannerReport, RawReport } from '../../load/probes.ts';
import { type Claim, took, type Verdict } from '../claim.ts';
import { HTTP_PORT } from '../shop.ts';

/** How much later than a client that speaks itself one may hear a server that speaks first. */
const delayLimitMs = 50;
const samples = 30;

/** stock greets before its client says anything; a proxy that waits for the client would hold that up. */
export const serverFirst: Claim = {
  name: 'a server that speaks first is heard at once',
  run: async ({ load }) => {
    const clientFirstMs: number[] = [];
    const request = 'GET /healthz HTTP/1.1\r\nHost: catalog\r\n\r\n';
    for (let index = 0; index < samples; index += 1) {
      clientFirstMs.push((await load.raw('catalog', HTTP_PORT, request)).tookMs);
    }
    return judgeBanner(await load.banner('stock', 9000, samples), clientFirstMs);
  },
};

/** Every connection heard the greeting, half of them at most 50 ms later than a client that speaks itself is answered. */
export function judgeBanner(report: BannerReport, clientFirstMs: readonly number[]): Verdict {
  const { latencyMs, errors, banners } = report;
  const good = Object.keys(banners).every(banner => banner.startsWith('STOCK/1 ready '));
  const usualMs = clientFirstMs.toSorted((a, b) => a - b)[Math.floor(clientFirstMs.length / 2)] ?? 0;
  const pass = errors.length === 0 && good && latencyMs.count > 0 && latencyMs.p50 - usualMs <= delayLimitMs;
  return {
    result: pass ? 'pass' : 'fail',
    figure:
      `${latencyMs.count} greetings on new connections, p50 ${took(latencyMs.p50)}, p95 ${took(latencyMs.p95)}; ` +
      `a new connection on which the client speaks first takes ${took(usualMs)} (limit: ${delayLimitMs} ms more)`,
    detail: [...new Set(errors), ...Object.keys(banners)],
  };
}

/** Names in odd cases, twice, in an order that no table would keep. */
const lines = [
  'hOsT: catalog',
  'x-ZEBRA: last first',
  'X-Twice: one',
  'aCCept: */*',
  'x-twice: two',
  'COOKIE: a=1; b=2',
  'X-Empty: ',
  'x_under.score!: kept',
  'X-Spaces:   inner   spaces  kept',
  'ETag-Like: W/"a,b"',
  'X-LATIN: caf\u00e9',
] as const;

/** The lines of the app's answer whose order and case are checked. */
const answerLines = ['X-eChO-CaSe: Kept', 'content-TYPE: application/json', 'x-twice: one', 'X-Twice: two'];

/** What a proxy may add to a request; it may not touch what was sent. */
const addable =
  /^(x-forwarded-(for|proto|host|client-cert)|forwarded|x-request-id|traceparent|tracestate|b3|x-b3-[a-z]+|via|x-envoy-[a-z-]+|weft-[a-z-]+): /i;

/** What is sent to the echo. */
export const headerRequest = `GET /echo?q=%7e&e= HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;

/** From the app's socket to the other app's socket, over two proxies. */
export const headersKept: Claim = {
  name: 'headers pass byte for byte',
  run: async ({ load }) => judgeHeaders(await load.raw('catalog', HTTP_PORT, headerRequest)),
};

/** The echo's lines, without what a proxy may add, are those sent; the answer's come as the app wrote them. */
export function judgeHeaders(report: RawReport): Verdict {
  const [head = '', body = ''] = report.text.split('\r\n\r\n');
  let echoed: { lines?: string[]; requestLine?: string };
  try {
    // The probe reads bytes as latin1; the echo's JSON is UTF-8.
    echoed = JSON.parse(Buffer.from(body, 'latin1').toString('utf8')) as typeof echoed;
  } catch {
    return { result: 'fail', figure: `no answer of the echo: ${report.error ?? report.text.slice(0, 200)}` };
  }
  const received = echoed.lines ?? [];
  const added = received.filter(line => addable.test(line));
  const kept = received.filter(line => !addable.test(line));
  // The receiving app's parser trims white space around values (RFC 9112 section 5.1).
  const sent = lines.map(line => line.replace(/: +/, ': ').trimEnd().replace(/:$/, ': '));
  const problems: string[] = [];
  if (kept.join('\n') !== sent.join('\n'))
    problems.push(`sent:     ${sent.join(' | ')}`, `received: ${kept.join(' | ')}`);
  const target = 'GET /echo?q=%7e&e= HTTP/1.1';
  if (echoed.requestLine !== target) problems.push(`sent ${target}, received ${echoed.requestLine}`);
  const back = head.split('\r\n').filter(line => answerLines.includes(line));
  if (back.join('\n') !== answerLines.join('\n'))
    problems.push(`the answer's head: ${head.replaceAll('\r\n', ' | ')}`);
  const names = added.map(line => line.split(':')[0]).join(', ');
  return {
    result: problems.length === 0 ? 'pass' : 'fail',
    figure:
      `${sent.length} request lines and ${answerLines.length} response lines, names, order, case and values the same; ` +
      `added beside them: ${names || 'nothing'}`,
    detail: problems,
  };
}
