import { connect } from 'node:net';
import { errorMessage } from '../errors/index.ts';
import { authorityOf } from './http-request.ts';
import type { ProbedPod } from './with-socket.ts';

/** Asks grpc.health.v1.Health/Check without TLS; SERVING is success. HTTP/2 is loaded only where a pod has such a probe. */
export async function probeGrpc(
  { port, service = '' }: { readonly port: number; readonly service?: string },
  pod: ProbedPod,
  { timeoutMs, userAgent = 'kube-probe/1.34' }: { readonly timeoutMs: number; readonly userAgent?: string },
): Promise<string | undefined> {
  const { connect: connectHttp2 } = await import('node:http2');
  const where = `grpc on port ${port}`;
  return new Promise(resolve => {
    const authority = authorityOf({ secure: false, host: pod.host, port, target: '' });
    const session = connectHttp2(`http://${authority}`, {
      createConnection: () => connect({ ...pod, port }),
    });
    const done = (failure: string | undefined): void => {
      clearTimeout(timer);
      session.destroy();
      resolve(failure);
    };
    const timer = setTimeout(() => done(`${where}: no answer within ${timeoutMs} ms`), timeoutMs);
    session.on('error', error => done(`${where}: ${errorMessage(error)}`));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      'user-agent': userAgent,
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let status = '0';
    const note = (headers: Record<string, unknown>): void => {
      status = String(headers['grpc-status'] ?? status);
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', error => done(`${where}: ${errorMessage(error)}`));
    stream.on('end', () => {
      // Field 1 of the message, after five bytes of prefix: status, and 1 is SERVING.
      const message = Buffer.concat(chunks).subarray(5);
      if (status !== '0') done(`${where}: status ${status}`);
      else done(message[0] === 0x08 && message[1] === 1 ? undefined : `${where}: not serving`);
    });
    stream.end(healthRequest(service));
  });
}

/** A length-prefixed HealthCheckRequest. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const length: number[] = [];
  // A varint: seven bits a byte, the lowest first.
  for (let left = name.length; ; left >>>= 7) {
    length.push(left > 0x7f ? (left & 0x7f) | 0x80 : left);
    if (left <= 0x7f) break;
  }
  const message = name.length > 0 ? Buffer.concat([Buffer.from([0x0a, ...length]), name]) : name;
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
