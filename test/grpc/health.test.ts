// grpc-health-probe asks a health service through two proxies. WEFT_GRPC_HEALTH_PROBE names the program.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server, ServerCredentials, type sendUnaryData } from '@grpc/grpc-js';
import { type Between, MeshPath } from './mesh-path.ts';
import { Programs } from './programs.ts';

const program = process.env.WEFT_GRPC_HEALTH_PROBE ?? '';
const skip = program === '' && 'WEFT_GRPC_HEALTH_PROBE names none';

/** Of HealthCheckResponse: its only field, as it is on the wire. */
const SERVING = Buffer.from([8, 1]);
const NOT_SERVING = Buffer.from([8, 2]);
/** What grpc-health-probe ends with where a service is not well. */
const unhealthy = 4;

for (const between of ['plaintext', 'mutual TLS'] satisfies Between[]) {
  test(`grpc-health-probe hears how an app is, ${between}`, { skip, timeout: 60_000 }, async t => {
    let state = SERVING;
    const bytes = (value: Buffer): Buffer => value;
    const server = new Server();
    server.addService(
      {
        Check: {
          path: '/grpc.health.v1.Health/Check',
          requestStream: false,
          responseStream: false,
          requestSerialize: bytes,
          requestDeserialize: bytes,
          responseSerialize: bytes,
          responseDeserialize: bytes,
        },
      },
      { Check: (_: unknown, done: sendUnaryData<Buffer>) => done(null, state) },
    );
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    const path = new MeshPath(between);
    path.serve(port);
    await using programs = new Programs();
    t.after(() => {
      path.close();
      server.forceShutdown();
    });
    const probe = () =>
      programs.run([program, `-addr=127.0.0.1:${path.port}`, '-rpc-timeout=5s', '-connect-timeout=5s']);
    const well = await probe();
    assert.equal(well.code, 0, well.said);
    state = NOT_SERVING;
    const ill = await probe();
    assert.equal(ill.code, unhealthy, ill.said);
    assert.deepEqual(path.carried(), ['inbound HTTP/2', 'outbound HTTP/2']);
  });
}
