// The cost of reading a head, as a multiple of what it costs to look at each of its bytes once in a table.
import { Head, TOKEN } from '../../src/http/index.ts';
import { DEFAULT_LIMITS, parseRequestHead, parseResponseHead } from '../../src/http1/index.ts';

const request = Buffer.from(
  [
    'GET /api/v1/products/42/reviews?page=3&sort=newest HTTP/1.1',
    'host: reviews.shop.svc.cluster.local',
    'user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
    'accept: application/json',
    'accept-encoding: gzip, deflate, br',
    'x-request-id: 7b0c3f5e-5a1c-4d0e-9a51-0e1f6f2a9a77',
    'authorization: Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl',
    'cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark',
    '',
    '',
  ].join('\r\n'),
);
const response = Buffer.from(
  'HTTP/1.1 200 OK\r\nserver: nginx\r\ndate: Mon, 01 Jan 2024 00:00:00 GMT\r\ncontent-type: application/json\r\ncontent-length: 1234\r\netag: "5d8c72a5"\r\ncache-control: no-cache\r\n\r\n',
);
const repeats = 4_000;
const rounds = 40;
let sink = 0;

function look(bytes: Buffer): void {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += TOKEN[bytes[i]!]!;
  sink += sum;
}

/**
 * Each kind of work's fastest round: what is left when nobody else was on the CPU. In turns, so that all have the same weather.
 */
function fastestMs(works: readonly (() => void)[]): readonly number[] {
  const best = works.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    works.forEach((work, index) => {
      const beganMs = performance.now();
      for (let repeat = 0; repeat < repeats; repeat++) work();
      best[index] = Math.min(best[index]!, performance.now() - beganMs);
    });
  }
  return best;
}

/** Ratios; no unit. */
export function codecCost(): Record<string, number> {
  const head = new Head();
  const parse = (): void => {
    sink += parseRequestHead(head, request, 0, request.length, DEFAULT_LIMITS);
  };
  const parseAnswer = (): void => {
    sink += parseResponseHead(head, response, 0, response.length, DEFAULT_LIMITS, false);
  };
  const works = [() => look(request), parse, parseAnswer];
  // Everything compiled before anything counts, also where the compiler has to share its CPU.
  for (let pass = 0; pass < 5; pass++) fastestMs(works);
  const [looked, asked, answered] = fastestMs(works) as [number, number, number];
  if (!(sink > 0)) throw new Error('nothing was parsed');
  const base = looked / request.length;
  return {
    request_head_ratio: asked / request.length / base,
    response_head_ratio: answered / response.length / base,
  };
}
