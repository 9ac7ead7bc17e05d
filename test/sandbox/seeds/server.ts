// The app of the seeds' sandbox: says which version answered and what it was asked; asks others many times and counts what came
// back.
import { createServer, type IncomingMessage, request } from 'node:http';

const version = process.env.VERSION ?? '';
/** Set by `/fail?status=503`: what every other request is answered with. */
let failing = 0;
let served = 0;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly ms: number;
}

function ask(url: string, method: string, headers: Record<string, string>): Promise<Answer> {
  const started = performance.now();
  return new Promise(resolve => {
    const end = (status: number, from: IncomingMessage['headers'], body: string): void =>
      resolve({ status, headers: from, body, ms: performance.now() - started });
    const sent = request(url, { method, headers, agent: false }, response => {
      let body = '';
      response.on('data', chunk => (body += String(chunk)));
      response.on('end', () => end(response.statusCode!, response.headers, body));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => end(0, {}, error.code ?? error.message));
    sent.end();
  });
}

/** Asks `n` times, `at` once at a time, and counts answers by version, or by status where there was none. */
async function load(query: URLSearchParams): Promise<string> {
  const [n, at] = [Number(query.get('n') ?? 1), Number(query.get('at') ?? 1)];
  const headers: Record<string, string> = {};
  for (const line of query.getAll('h'))
    headers[line.slice(0, line.indexOf(':'))] = line.slice(line.indexOf(':') + 1);
  const counts: Record<string, number> = {};
  const answers: Answer[] = [];
  let left = n;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const answer = await ask(query.get('url')!, query.get('method') ?? 'GET', headers);
      const said = answer.headers['x-version'] ?? String(answer.status);
      counts[String(said)] = (counts[String(said)] ?? 0) + 1;
      if (answers.length < 200) answers.push(answer);
      const cookie = answer.headers['set-cookie']?.[0];
      if (cookie !== undefined && query.has('keep')) headers.cookie = cookie.slice(0, cookie.indexOf(';'));
    }
  };
  await Promise.all(Array.from({ length: at }, worker));
  return JSON.stringify({ counts, answers });
}

const server = createServer((incoming, response) => {
  const url = new URL(incoming.url ?? '/', 'http://host');
  if (url.pathname === '/load') {
    void load(url.searchParams).then(text => response.end(text));
    return;
  }
  if (url.pathname === '/fail') {
    failing = Number(url.searchParams.get('status') ?? 0);
    response.end('ok');
    return;
  }
  if (url.pathname === '/served') {
    response.end(String(served));
    return;
  }
  served++;
  const answer = (): void => {
    const fails = failing !== 0;
    response.writeHead(fails ? failing : 200, { 'x-version': fails ? String(failing) : version });
    response.end(
      JSON.stringify({ version, method: incoming.method, url: incoming.url, headers: incoming.headers }),
    );
  };
  setTimeout(answer, Number(url.searchParams.get('ms') ?? 0));
});
server.listen(Number(process.env.PORT ?? 8080), '0.0.0.0', () => console.log('listening'));
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
