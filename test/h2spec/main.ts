// Runs h2spec against a server built of the codec alone. WEFT_H2SPEC names the program; arguments go to it.
//   make h2spec WEFT_H2SPEC=path [ARGS="--strict http2/6.9"]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BareServer } from '../../src/http2/testing/bare-server.ts';

const program = process.env.WEFT_H2SPEC ?? '';
if (program === '') {
  console.error(
    'WEFT_H2SPEC names no h2spec: build one with `go install github.com/summerwind/h2spec/cmd/h2spec@latest` and give its path',
  );
  process.exit(2);
}
const server = new BareServer();
const wanted = process.argv.slice(2);
const child = spawn(
  program,
  ['--host', '127.0.0.1', '--port', `${server.port}`, '--strict', '--timeout', '3', ...wanted],
  { stdio: 'inherit' },
);
const [code] = (await once(child, 'exit')) as [number | null];
server.close();
// What .ci/run counts.
console.log(code === 0 ? 'PASS  h2spec finds nothing wrong' : 'FAIL  h2spec: see above');
process.exit(code ?? 1);
