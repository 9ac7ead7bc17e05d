// What a request of a path through mutual TLS allocates in both proxies together with a token (JWT) that is known and twenty
// rules of authorization, and what it does without them, with and without the header. CPU time beside Envoy's is the scenario
// `policies`.
//   node bench/policies.ts
// Bytes are counted as in `make bench-check`; they do not depend on how busy the machine is.
import { bundleHop } from './bundle.ts';
import { COUNTING, requestBytes } from './micro/requests.ts';
import { startWeft, TOKEN_HEADER } from './peers/index.ts';
import { ownBackend } from './scenarios/backends.ts';
import { Stage } from './stage.ts';

const rows: readonly (readonly [name: string, policies: boolean, field: string])[] = [
  ['neither token nor policies', false, ''],
  ['a token that nobody asks for', false, TOKEN_HEADER],
  ['a token that is verified, and 20 rules', true, TOKEN_HEADER],
];

const hop = await bundleHop('weft-hop');
const stage = new Stage({
  ...{ quick: true, rounds: 1, pinning: { proxy: '', load: '' }, nodeFlags: [], profileFolder: '' },
  programs: { hop, proxy: '', injector: '' },
});
try {
  const { http: backend } = await ownBackend(stage);
  for (const [name, policies, field] of rows) {
    const path = await startWeft({ protocol: 'http', topology: 'path', backend, policies }, stage, COUNTING);
    const { bytes_per_request: bytes = 0 } = await requestBytes(path, field);
    console.log(`${name.padEnd(40)} ${Math.round(bytes)} bytes per request`);
  }
} finally {
  await stage.close();
}
