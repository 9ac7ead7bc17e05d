import type { TestContext } from 'node:test';
import { MeshPath } from '../mesh-path.ts';
import { Caller, type Handler, TextServer } from './calls.ts';

/** One server that does this, and a caller, through two proxies by mutual TLS; closed with the test. */
export async function onePath(t: TestContext, methods: Readonly<Record<string, Handler>>) {
  const server = await TextServer.start(methods);
  const path = new MeshPath('mutual TLS');
  path.serve(server.port);
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, server]) each.close();
  });
  return { server, path, caller };
}
