// What options of a file do that no block of the seed has, in the same gateway. Backends listen at 127.0.3.1:8000 and
// 127.0.3.2:8000.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, certificates, get, type Seen, until } from './machine.ts';

/** The folder of the test, and how a file is brought into force. */
export interface OptionContext {
  readonly work: string;
  run(text: string): Promise<void>;
}

const listener = 'listener "http" { address "0.0.0.0:8080" }\n';
const answeredBy = (who: string, path: string): Promise<void> =>
  until(`an answer of ${who}`, async () => (await get(path)).who === who);

/** By name. */
export function optionBlocks({ work, run }: OptionContext): Readonly<Record<string, () => Promise<void>>> {
  return {
    /** Certificates by server name; a renewed one is shown without a reload. */
    async certificates() {
      const folder = join(work, 'certificates');
      mkdirSync(folder);
      certificates(folder, { one: 'one.test', two: 'two.test', three: 'one.test' });
      const files = (name: string): string =>
        `cert-file "${folder}/${name}.crt"; key-file "${folder}/${name}.key"`;
      await run(`
      listener "https" { address "0.0.0.0:8444"; protocol "https"; default-route "all"; tls { ${files('one')}; sni { ${files('two')} } }
      }
      upstream "u" { target "127.0.3.1:8000" }
      route "all" { matches { path "/never" }; upstream "u" }
    `);
      const shown = async (serverName: string): Promise<string> =>
        (await ask({ path: '/', port: 8444, serverName })).certificate;
      await until('TLS', async () => (await shown('one.test')) === 'one');
      assert.deepEqual([await shown('two.test'), await shown('other.test')], ['two', 'one']);
      for (const end of ['key', 'crt'])
        copyFileSync(join(folder, `three.${end}`), join(folder, `one.${end}`));
      await until('the renewed certificate', async () => (await shown('one.test')) === 'three');
    },
    /** Two namespaces with things of one name; one has a listener of its own, with TLS, and its routes are nowhere else. */
    async namespaces() {
      const folder = join(work, 'namespaces');
      mkdirSync(folder);
      certificates(folder, { own: 'own.test' });
      const within = (address: string): string =>
        `upstream "u" { target "${address}" }\nroute "r" { matches { path-prefix "/x" }; upstream "u" }`;
      await run(`${listener}
      namespace "a" { ${within('127.0.3.1:8000')} }
      namespace "b" {
        service "s" {
          listener {
            address "0.0.0.0:8445"; protocol "https"
            tls { cert-file "${folder}/own.crt"; key-file "${folder}/own.key" }
          }
          upstreams { upstream "u" { target "127.0.3.2:8000" } }
          routes { route "r" { matches { path-prefix "/x" }; upstream "u" }; route "only" { matches { path "/only" }; upstream "a:u" } }
        }
      }
      observability { metrics { address "127.0.0.1:9090" } }
    `);
      await answeredBy('127.0.3.1:8000', '/x');
      const own = (path: string): Promise<Seen> => ask({ path, port: 8445, serverName: 'own.test' });
      await until('the listener of the service', async () => (await own('/x')).who === '127.0.3.2:8000');
      const only = await own('/only');
      assert.deepEqual([only.who, only.certificate], ['127.0.3.1:8000', 'own']);
      assert.equal((await get('/only')).status, 404);
      await until('the metrics', async () => (await get('/metrics', 9090)).status === 200);
      const { body } = await get('/metrics', 9090);
      assert.match(body, /^sentinel_upstream_attempts_total\{upstream="b:s:u",route="b:s:r"\} [1-9]\d*$/m);
      assert.match(body, /^sentinel_upstream_healthy_backends\{upstream="b:s:u"\} 1$/m);
    },
    /** A folder of pairs: those that come are shown, those that go are not, and a bad one is left out. */
    async 'a folder of certificates'() {
      const [made, folder] = [join(work, 'made'), join(work, 'folder')];
      for (const each of [made, folder]) mkdirSync(each);
      certificates(made, { one: 'one.test', two: 'two.test', again: 'one.test' });
      const put = (from: string, to: string): void => {
        for (const end of ['key', 'crt'])
          copyFileSync(join(made, `${from}.${end}`), join(folder, `${to}.${end}`));
      };
      put('one', 'one');
      writeFileSync(join(folder, 'bad.crt'), 'no certificate');
      writeFileSync(join(folder, 'bad.key'), 'no key');
      writeFileSync(join(folder, 'alone.crt'), '');
      await run(`
      listener "https" { address "0.0.0.0:8446"; protocol "https"; tls { sni-certs { cert-folder "${folder}" } } }
      upstream "u" { target "127.0.3.1:8000" }
      route "all" { matches { path-prefix "/" }; upstream "u" }
    `);
      const shown = (serverName: string): Promise<string> =>
        ask({ path: '/', port: 8446, serverName }).then(
          each => each.certificate,
          () => 'none',
        );
      await until('the first pair', async () => (await shown('one.test')) === 'one');
      put('two', 'two');
      await until('a pair that came', async () => (await shown('two.test')) === 'two');
      put('again', 'one');
      await until('a pair that was replaced', async () => (await shown('one.test')) === 'again');
      for (const end of ['key', 'crt']) rmSync(join(folder, `two.${end}`));
      await until('a pair that went', async () => (await shown('two.test')) !== 'two');
      assert.equal(await shown('one.test'), 'again');
    },
    /** Files of a folder through the gateway: compressed, in part, with pages for what is not there; nobody else's. */
    async 'static files'() {
      const folder = join(work, 'files');
      mkdirSync(join(folder, 'app'), { recursive: true });
      writeFileSync(join(folder, 'app/index.html'), `<h1>app</h1>${' '.repeat(5_000)}`);
      // Larger than what sockets hold, so that its reader holds up the disk.
      const large = Buffer.alloc(24 << 20, 'abcdefgh');
      writeFileSync(join(folder, 'app/large.bin'), large);
      writeFileSync(join(work, 'outside.txt'), 'a secret');
      symlinkSync('../../outside.txt', join(folder, 'app/link.txt'));
      await run(`${listener}
        filter "strip" { type "url-rewrite"; replace-prefix-match "/app" }
        route "app" {
          matches { path-prefix "/app" }; static-files { root "${folder}" }
          error-pages { default-format "html"; pages { "404" { message "no such page" } } }
        }
        route "short" { matches { path-prefix "/s" }; static-files { root "${folder}" }; filters "strip" }
        route "status" { matches { path "/status" }; builtin-handler "status" }
        observability { metrics { address "127.0.0.1:9090" } }
      `);
      await until('a page', async () => (await get('/app/')).body.startsWith('<h1>app</h1>'));
      const short = await get('/s/index.html');
      assert.ok(short.body.startsWith('<h1>app</h1>'), short.body);
      const packed = await ask({ path: '/app/', headers: { 'accept-encoding': 'gzip' } });
      assert.equal(packed.headers['content-encoding'], 'gzip');
      const part = await ask({ path: '/app/large.bin', headers: { range: 'bytes=8-15' } });
      assert.deepEqual([part.status, part.body], [206, 'abcdefgh']);
      const { etag = '' } = part.headers;
      assert.equal((await ask({ path: '/app/large.bin', headers: { 'if-none-match': etag } })).status, 304);
      assert.equal((await get('/app/large.bin')).body.length, large.length);
      for (const path of ['/app/none', '/app/link.txt', '/app/%2e%2e/%2e%2e/outside.txt']) {
        const { status, body } = await get(path);
        assert.ok(status === 404 && !body.includes('a secret'), `${path}: ${status} ${body}`);
      }
      assert.match((await get('/app/none')).body, /<p>no such page<\/p>/);
      // A client that says whose files it means is not heard.
      const said = await ask({ path: '/status', headers: { 'x-sentinel-files': 'app' } });
      assert.equal((JSON.parse(said.body) as { status: string }).status, 'healthy');
      assert.equal((await ask({ path: '/app/', method: 'POST' })).status, 405);
      await until('the metrics', async () => (await get('/metrics', 9090)).status === 200);
      assert.equal((await get('//', 9090)).status, 404);
      const { body } = await get('/metrics', 9090);
      assert.match(body, /^sentinel_requests_total\{route="app",method="POST",status="405"\} 1$/m);
      assert.match(body, /^sentinel_requests_total\{route="status",method="GET",status="200"\} [1-9]\d*$/m);
      assert.ok(!body.includes('sentinel-health'), 'whoever asks whether the gateway is well is not counted');
    },
  };
}
