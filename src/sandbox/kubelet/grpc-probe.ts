import { connect } from 'node:http2';
import { errorMessage } from '../../errors/index.ts';
import type { ProbeOutcome } from './prober.ts';

/** `SERVING` of grpc.health.v1.HealthCheckResponse, as the first field of the message. */
const serving = Buffer.from([0x08, 0x01]);

/** Asks grpc.health.v1.Health/Check; SERVING is success. Without TLS, as the kubelet does. */
export function probeGrpc(
  address: string,
  port: number,
  service: string,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  return new Promise(resolve => {
    const session = connect(`http://${address}:${port}`);
    const done = (outcome: ProbeOutcome): void => {
      clearTimeout(timer);
      session.destroy();
      resolve(outcome);
    };
    const fail = (detail: string): void => done({ ok: false, detail: `grpc on port ${port}: ${detail}` });
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
    session.on('error', error => fail(errorMessage(error)));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let status: unknown;
    stream.on('response', headers => (status = headers['grpc-status']));
    stream.on('trailers', headers => (status = headers['grpc-status']));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', error => fail(errorMessage(error)));
    stream.on('end', () => {
      const message = Buffer.concat(chunks).subarray(5);
      if (Number(status ?? 0) !== 0) fail(`status ${String(status)}`);
      else if (message.subarray(0, 2).equals(serving)) done({ ok: true, detail: '' });
      else fail('not serving');
    });
    stream.end(checkRequest(service));
  });
}

/** A length-prefixed HealthCheckRequest; the service name is at most 127 bytes long here. */
function checkRequest(service: string): Buffer {
  const name = Buffer.from(service).subarray(0, 127);
  const message = name.length > 0 ? Buffer.concat([Buffer.from([0x0a, name.length]), name]) : Buffer.alloc(0);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
