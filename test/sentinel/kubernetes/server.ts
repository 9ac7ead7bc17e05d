// `web` is an app that echoes; `consul` answers who stands behind `api`: the pods of the Service web.
import { lookup } from 'node:dns/promises';
import { createServer } from 'node:http';

const [role, port] = process.argv.slice(2);
createServer((request, response) => {
  if (role === 'web') return void response.end(`web ${request.url}\n`);
  // A question that is to wait does so for a while, as nothing changes here.
  const waits = new URL(request.url ?? '', 'http://consul').searchParams.has('index');
  setTimeout(() => void answer(), waits ? 30_000 : 0);
  const answer = async (): Promise<void> => {
    const found = await lookup('web.default.svc.cluster.local', { all: true, family: 4 }).catch(() => []);
    response.writeHead(200, { 'x-consul-index': found.length === 0 ? 0 : 7 });
    response.end(
      JSON.stringify(found.map(({ address }) => ({ Service: { Address: address, Port: 3000 }, Checks: [] }))),
    );
  };
}).listen(Number(port));
