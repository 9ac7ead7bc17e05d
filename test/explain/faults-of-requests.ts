// What clients send that is no HTTP, or do.
import { rawConnection } from '../../src/proxy/testing/clients.ts';
import type { Fault } from './fault.ts';
import { KEY } from './fault-mesh.ts';

const malformed = (name: string, head: string, code: string, cause = 'malformed'): Fault => ({
  name: `a request that is no HTTP: ${name}`,
  cause,
  object: 'Pod web-0.default',
  command: undefined,
  words: new RegExp(`\\(${code}\\)`),
  async inject(mesh) {
    await mesh.send(`${head}\r\n\r\n`);
  },
});
const to = `http://${KEY}/ HTTP/1.1\r\nHost: ${KEY}`;

export const requestFaults: readonly Fault[] = [
  malformed(
    'two lengths',
    `POST ${to}\r\nContent-Length: 1\r\nContent-Length: 2`,
    'duplicate-content-length',
  ),
  malformed(
    'a length and chunks',
    `POST ${to}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked`,
    'length-and-encoding',
  ),
  malformed('a length that is no number', `POST ${to}\r\nContent-Length: +1`, 'bad-content-length'),
  malformed('an unknown transfer coding', `POST ${to}\r\nTransfer-Encoding: gzip`, 'bad-transfer-encoding'),
  malformed('a folded line', `GET ${to}\r\nX-A: b\r\n c`, 'obs-fold'),
  malformed('a space before the colon', `GET ${to}\r\nX-A : b`, 'space-before-colon'),
  malformed('a bare LF', `GET ${to}\r\nX-A: b\nX-B: c`, 'bare-lf'),
  malformed('no Host', `GET / HTTP/1.1\r\nX-A: b`, 'no-host'),
  malformed('two Hosts', `GET ${to}\r\nHost: other`, 'duplicate-host'),
  malformed('another Host than the URL has', `GET http://${KEY}/ HTTP/1.1\r\nHost: other`, 'host-mismatch'),
  malformed('a control character', `GET ${to}\r\nX-A: b\x01c`, 'bad-header-value'),
  malformed(
    'headers beyond the limit',
    `GET ${to}\r\nX-A: ${'x'.repeat(400_000)}`,
    'head-too-large',
    'header-too-large',
  ),
  malformed(
    'a URL beyond the limit',
    `GET http://${KEY}/${'x'.repeat(400_000)} HTTP/1.1\r\nHost: ${KEY}`,
    'target-too-long',
    'header-too-large',
  ),
  {
    name: 'a path that holds %00',
    cause: 'bad-path',
    object: 'Pod web-0.default',
    command: undefined,
    words: /%00/,
    async inject(mesh) {
      mesh.serve(1);
      await mesh.ask({ path: '/a%00b' });
    },
  },
  {
    name: 'a body that breaks HTTP in its middle',
    cause: 'malformed',
    object: 'Pod web-0.default',
    command: undefined,
    words: /broke HTTP in the middle of its request/,
    async inject(mesh) {
      mesh.serve(await mesh.rawApp(socket => socket.resume()));
      await mesh.send(`POST ${to}\r\nTransfer-Encoding: chunked\r\n\r\nnot-a-size\r\n`);
    },
  },
  {
    name: 'a client that does not wait',
    cause: 'client-left',
    object: 'Pod web-0.default',
    command: /^kubectl logs -n default api-0$/,
    words: /the client went away after \d+ ms, before there was an answer/,
    async inject(mesh) {
      let asked: () => void = () => {};
      const arrived = new Promise<void>(resolve => {
        asked = resolve;
      });
      mesh.serve(await mesh.rawApp(socket => void socket.on('data', () => asked())));
      const raw = await rawConnection(mesh.web.plane.outboundPort);
      raw.write(`GET ${to}\r\n\r\n`);
      await arrived;
      raw.socket.resetAndDestroy();
    },
  },
  {
    name: 'CONNECT to what is no address',
    cause: 'malformed',
    object: 'Pod web-0.default',
    command: undefined,
    words: /the request target is not .* host:port for CONNECT/,
    async inject(mesh) {
      await mesh.send('CONNECT nowhere HTTP/1.1\r\nHost: nowhere\r\n\r\n');
    },
  },
];
