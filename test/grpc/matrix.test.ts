// Implementations of gRPC with each other, each as client and as server, through two proxies. Those that are not here are left
// out by name.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { CASES } from './cases.ts';
import { type Between, MeshPath } from './mesh-path.ts';
import { type GrpcPeer, PEERS } from './peers/index.ts';
import { Programs } from './programs.ts';

/** What failed, by case, in the words of the client. */
async function failures(programs: Programs, client: GrpcPeer, port: number): Promise<readonly string[]> {
  const runs = client.oneByOne ? CASES.map(each => [each]) : [CASES];
  const found: string[] = [];
  for (const cases of runs) {
    const { code, said } = await programs.run(client.client(port, cases));
    if (code !== 0) found.push(`${cases.length === 1 ? cases[0] : 'all cases'} ended with ${code}: ${said}`);
  }
  return found;
}

for (const between of ['plaintext', 'mutual TLS'] satisfies Between[]) {
  for (const server of PEERS) {
    describe(`gRPC to ${server.name}, ${between}`, { skip: server.missing(), timeout: 120_000 }, () => {
      // Both begin with the first test that is run.
      let path: MeshPath | undefined;
      let serving: Promise<number> | undefined;
      const programs = new Programs();
      after(async () => {
        path?.close();
        await programs[Symbol.asyncDispose]();
      });

      for (const client of PEERS) {
        test(`${client.name} to ${server.name}, ${between}: every interop case`, {
          skip: client.missing(),
        }, async () => {
          path ??= new MeshPath(between);
          serving ??= programs.serve(port => server.server(port));
          path.serve(await serving);
          assert.deepEqual(await failures(programs, client, path.port), []);
          assert.deepEqual(path.carried(), ['inbound HTTP/2', 'outbound HTTP/2']);
        });
      }
    });
  }
}
