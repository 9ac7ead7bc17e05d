// visitor: a client outside the mesh. `GET /visit?url=http://…` calls that address and tells what happened.
import { get } from 'node:http';
import { Refusal, serve } from './service.ts';

function visit(url: string): Promise<object> {
  const started = performance.now();
  const { promise, resolve } = Promise.withResolvers<object>();
  const done = (outcome: object) => resolve({ ...outcome, tookMs: performance.now() - started });
  const outgoing = get(url, { agent: false, timeout: 5_000 }, response => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      text += chunk;
    });
    response.on('error', error => done({ error: error.message }));
    response.on('end', () =>
      done({ status: response.statusCode, headers: response.rawHeaders, text: text.slice(0, 2_000) }),
    );
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 5 s')));
  outgoing.on('error', error => done({ error: error.message }));
  return promise;
}

serve('visitor', {
  'GET /visit': async ({ url }) => {
    const target = url.searchParams.get('url');
    if (!target?.startsWith('http://')) throw new Refusal(400, 'visit?url= needs an http:// address');
    return { body: { target, ...(await visit(target)) } };
  },
});
