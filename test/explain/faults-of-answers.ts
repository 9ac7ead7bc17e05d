// What is wrong with an answer, or with how long it takes.
import type { Fault } from './fault.ts';
import { type FaultMesh, KEY, virtualService } from './fault-mesh.ts';

/** An app that answers a request with bytes and then does something with its connection. */
const answering = (
  mesh: FaultMesh,
  bytes: string,
  then: 'reset' | 'end' | 'stay' = 'stay',
): Promise<number> =>
  mesh.rawApp(socket =>
    socket.once('data', () => {
      const finish = (): void => {
        if (then === 'reset') socket.resetAndDestroy();
        else if (then === 'end') socket.end();
      };
      if (bytes === '') finish();
      else socket.write(bytes, () => setTimeout(finish, 20));
    }),
  );
const silent = (mesh: FaultMesh): Promise<number> => mesh.rawApp(socket => socket.resume());
const malformed = (name: string, bytes: string, words: RegExp): Fault => ({
  name: `an answer that is no HTTP: ${name}`,
  cause: 'answer-malformed',
  object: 'Pod api-0.default',
  command: /^kubectl logs -n default api-0$/,
  words,
  async inject(mesh) {
    mesh.serve(await answering(mesh, bytes));
    await mesh.ask();
  },
});

export const answerFaults: readonly Fault[] = [
  {
    name: 'the app resets the connection before it answers',
    cause: 'reset-before-answer',
    object: 'Pod api-0.default',
    command: /^kubectl logs -n default api-0$/,
    words: /the connection broke before there was an answer/,
    async inject(mesh) {
      mesh.serve(await answering(mesh, '', 'reset'));
      await mesh.ask();
    },
  },
  {
    name: 'the app ends the connection without an answer',
    cause: 'reset-before-answer',
    object: 'Pod api-0.default',
    command: /^kubectl logs -n default api-0$/,
    words: /closed the connection without an answer/,
    async inject(mesh) {
      mesh.serve(await answering(mesh, '', 'end'));
      await mesh.ask();
    },
  },
  {
    name: 'the app breaks off in the middle of its answer',
    cause: 'reset-in-answer',
    object: 'Pod api-0.default',
    command: /^kubectl logs -n default api-0$/,
    words: /broke in the middle of the answer, after 4 bytes of it/,
    async inject(mesh) {
      mesh.serve(await answering(mesh, 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', 'reset'));
      await mesh.ask().catch(() => {});
    },
  },
  {
    name: 'the route allows less time than the app takes',
    cause: 'route-timeout',
    object: 'VirtualService api.default',
    command: /^kubectl get virtualservice\.networking\.istio\.io api -n default -o yaml$/,
    words: /no answer within the 60 ms that its route allows/,
    async inject(mesh) {
      mesh.serve(await silent(mesh), { timeoutMs: 60, route: { from: virtualService, timeoutMs: 60 } });
      await mesh.ask();
    },
  },
  {
    name: 'each try has less time than the app takes',
    cause: 'try-timeout',
    object: 'VirtualService api.default',
    command: /^kubectl logs -n default api-0$/,
    words: /no try was answered within the 60 ms/,
    async inject(mesh) {
      mesh.serve(await silent(mesh), {
        retry: { attempts: 0, perTryTimeoutMs: 60 },
        route: { from: virtualService },
      });
      await mesh.ask();
    },
  },
  {
    name: 'nothing moves for longer than a stream may be idle',
    cause: 'idle-timeout',
    object: 'VirtualService api.default',
    command: /^kubectl get virtualservice/,
    words: /nothing moved for the 60 ms/,
    async inject(mesh) {
      mesh.serve(await silent(mesh), { route: { from: virtualService, idleTimeoutMs: 60 } });
      await mesh.ask();
    },
  },
  {
    name: 'the answer stalls in its middle',
    cause: 'route-timeout',
    object: 'VirtualService api.default',
    command: /^kubectl logs -n default api-0$/,
    words: /the answer was not complete within the 80 ms/,
    async inject(mesh) {
      const port = await answering(mesh, 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
      mesh.serve(port, { route: { from: virtualService, timeoutMs: 80 } });
      await mesh.ask().catch(() => {});
    },
  },
  {
    name: 'the app answers 500',
    cause: 'app-error',
    object: 'Pod api-0.default',
    command: /^kubectl logs -n default api-0$/,
    words: /the app of pod api-0 answered 500/,
    async inject(mesh) {
      mesh.serve(await mesh.app((_, response) => void response.writeHead(500).end()));
      await mesh.ask();
    },
  },
  {
    name: 'the app answers 503, whatever is tried',
    cause: 'retries-exhausted',
    object: 'Pod api-0.default',
    command: /^kubectl logs -n default api-0$/,
    words: /the app of pod api-0 answered 503; tried 3 times; no more tries were left/,
    async inject(mesh) {
      const port = await mesh.app((_, response) => void response.writeHead(503).end());
      mesh.serve(1, {
        endpoints: [mesh.mesh.plain(port, 'api-0')],
        retry: { attempts: 2, backoffBaseMs: 1 },
      });
      await mesh.ask();
    },
  },
  {
    name: 'the app answers 503, and the budget of retries is spent',
    cause: 'retry-budget',
    object: 'Pod api-0.default',
    command: /^kubectl logs -n default api-0$/,
    words: /the app of pod api-0 answered 503; .*not repeated, because the budget of retries was spent/,
    async inject(mesh) {
      const port = await mesh.app((_, response) => void response.writeHead(503).end());
      mesh.serve(1, {
        endpoints: [mesh.mesh.plain(port, 'api-0')],
        retry: { attempts: 2, backoffBaseMs: 1 },
        settings: { retryBudget: { ratio: 0, minPerSecond: 0, ttlMs: 10_000 } },
      });
      await mesh.ask();
    },
  },
  {
    name: 'a POST that broke is not repeated',
    cause: 'reset-before-answer',
    object: 'Pod api-0.default',
    command: /^kubectl logs -n default api-0$/,
    words: /the connection broke before there was an answer/,
    note: /not repeated, because a byte may have reached the app/,
    async inject(mesh) {
      const port = await answering(mesh, '', 'reset');
      mesh.serve(1, { endpoints: [mesh.mesh.plain(port, 'api-0')], retry: { attempts: 2 } });
      await mesh.ask({ method: 'POST', body: 'once' });
    },
  },
  {
    name: 'the mirror is down',
    cause: 'mirror-failed',
    object: 'Service api.default',
    command: /^kubectl get endpointslices -n default -l kubernetes\.io\/service-name=api$/,
    words: /the copy for the mirror api failed \(no endpoint of .* is ready/,
    async inject(mesh) {
      const port = await mesh.app((_, response) => void response.end('ok'));
      const { resourceOf } = await import('../../src/proxy/testing/static-mesh.ts');
      const resource = resourceOf({ key: KEY, endpoints: [] });
      const [cluster] = resource.clusters;
      const mirror = { ...cluster!, name: 'mirror:80' };
      const endpoints = [mesh.mesh.meshed(mesh.api, port)];
      mesh.mesh.resources.set(KEY, [
        {
          ...resource,
          routes: [{ ...resource.routes[0]!, mirrors: [{ cluster: 'mirror:80', percent: 100 }] }],
          clusters: [cluster!, mirror],
        },
        { kind: 'endpoints', key: KEY, endpoints, total: 1 },
        { kind: 'endpoints', key: 'mirror:80', endpoints: [], total: 0 },
      ]);
      await mesh.ask();
    },
  },
  malformed('no status line', 'nonsense\r\n\r\n', /no HTTP that may be passed on/),
  malformed(
    'two lengths',
    'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
    /Content-Length/,
  ),
  malformed(
    'a length and chunks',
    'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    /./,
  ),
  malformed('a bare LF', 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n', /LF/),
];
