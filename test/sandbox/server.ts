// The app of the sandbox's own tests: says who it is, does what it is told, and asks others.
import { readFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { hostname } from 'node:os';

let ready = true;

function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: 3000 }, response => {
      let text = '';
      response.on('data', chunk => (text += String(chunk)));
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('timeout')));
  });
}

async function answer(url: URL): Promise<string> {
  switch (url.pathname) {
    case '/file':
      return readFileSync(url.searchParams.get('path')!, 'utf8');
    case '/env':
      return JSON.stringify(process.env);
    case '/ask':
      return ask(url.searchParams.get('url')!).catch((error: NodeJS.ErrnoException) => `error ${error.code}`);
    case '/crash':
      setImmediate(() => {
        console.error('told to crash: out of cheese');
        process.exit(3);
      });
      return 'crashing';
    case '/unready':
      ready = false;
      return 'not ready from now on';
    default:
      return `${hostname()} ${process.getuid?.()}`;
  }
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://host');
  if (url.pathname === '/ready') {
    response.writeHead(ready ? 200 : 503).end();
    return;
  }
  answer(url).then(
    text => response.end(text),
    (error: Error) => response.writeHead(500).end(error.message),
  );
});
server.listen(Number(process.env.PORT ?? 8080), () => console.log('listening'));
process.on('SIGTERM', () => {
  console.log('told to end');
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
