// A machine joins a control plane without a cluster: token by weft, certificate by the proxy's own keeper, over real sockets.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Command } from 'commander';
import { loadOrCreateAuthority, TokenIssuer } from '../ca/index.ts';
import { register } from '../cli/token.ts';
import { readInjectorConfig } from '../config/injector-config.ts';
import { remoteSigner } from '../discovery/index.ts';
import { WeftError } from '../errors/index.ts';
import { type Credentials, createKeyAndCsr, readCredentials } from '../identity/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { systemClock } from '../time/index.ts';
import { runInjector } from './injector-run.ts';

/** What `weft token` prints to stdout. */
async function typed(context: TestContext, ...words: readonly string[]): Promise<string> {
  let printed = '';
  const take = (text: string | Uint8Array): boolean => {
    printed += String(text);
    return true;
  };
  const out = context.mock.method(process.stdout, 'write', take);
  const err = context.mock.method(process.stderr, 'write', () => true);
  try {
    const program = new Command('weft');
    register(program);
    await program.parseAsync(['node', 'weft', 'token', ...words]);
  } finally {
    out.mock.restore();
    err.mock.restore();
  }
  return printed;
}

test('a token joins one machine, which renews by its certificate, until either is revoked', async context => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-machines-'));
  const stop = new AbortController();
  context.after(() => {
    stop.abort();
    rmSync(folder, { recursive: true, force: true });
  });
  const tokens = TokenIssuer.create({ issuer: 'https://kubernetes.default.svc', clock: systemClock });
  assert.ok(!(tokens instanceof WeftError));
  writeFileSync(join(folder, 'keys.json'), JSON.stringify(tokens.jwks()));
  const caDir = join(folder, 'ca');
  await loadOrCreateAuthority(caDir, { trustDomain: 'cluster.local', clock: systemClock });
  const on = { listen: '127.0.0.1:0', metricsListen: '127.0.0.1:0', liveListen: '127.0.0.1:0' };
  const flags = { source: `files:${folder}`, caDir, tokenKeys: join(folder, 'keys.json'), ...on };
  const start = (signal: AbortSignal): ReturnType<typeof runInjector> =>
    runInjector(readInjectorConfig(flags), systemClock, silentLog, signal);
  const first = new AbortController();
  let { port, metricsPort } = await start(AbortSignal.any([first.signal, stop.signal]));
  const roots = [readFileSync(join(caDir, 'root-cert.pem'), 'utf8')];
  /** Asks for a certificate as a proxy does. */
  const ask = async (token: string | undefined, held?: Credentials): Promise<Credentials> => {
    const sign = remoteSigner({
      controlPlane: {
        address: { host: '127.0.0.1', port },
        identity: 'spiffe://cluster.local/ns/weft-system/sa/weft-injector',
        bootstrapRoots: () => roots,
      },
      token: () => Promise.resolve(token),
      credentials: () => held,
    });
    const { keyPem, csrPem } = createKeyAndCsr();
    const { chain } = await sign({ csr: csrPem, nowMs: Date.now() }, stop.signal);
    const credentials = readCredentials({ keyPem, chainPem: chain, roots }, Date.now());
    assert.ok(!(credentials instanceof WeftError));
    return credentials;
  };
  const code = (what: string): { readonly code: string } => ({ code: what });
  const of = ['--namespace', 'vm', '--service-account', 'billing', '--ca-dir', caDir];
  const token = (await typed(context, 'create', ...of)).trim();
  assert.match(token, /^weft-join\.[0-9a-f]{12}\.[\w-]{43}$/);
  assert.match(await typed(context, 'list', '--ca-dir', caDir), /vm\/billing +unused/);
  const held = await ask(token);
  assert.equal(held.principal, 'spiffe://cluster.local/ns/vm/sa/billing');
  await assert.rejects(ask(token), code('join-token-used'));
  // Without the token, with it, and after the control plane has started anew.
  const second = await ask(undefined, held);
  const third = await ask(token, second);
  first.abort();
  ({ port, metricsPort } = await start(stop.signal));
  const fourth = await ask(undefined, third);
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  assert.match(metrics, /^weft_control_plane_joins_total\{outcome="renewed"\} 1$/m);
  assert.match(await typed(context, 'list', '--ca-dir', caDir), /vm\/billing +joined/);
  // A copy of the first key: neither it nor the machine gets another.
  await assert.rejects(ask(undefined, held), code('machine-copied'));
  await assert.rejects(ask(undefined, fourth), code('machine-copied'));
  const problems = await (await fetch(`http://127.0.0.1:${metricsPort}/debug/problems`)).text();
  assert.match(problems, /join-token-suspicious/);
  const other = (await typed(context, 'create', ...of, '--expires', '5m')).trim();
  await typed(context, 'revoke', other.split('.')[1]!, '--why', 'lost', '--ca-dir', caDir);
  await assert.rejects(ask(other), code('join-token-revoked'));
});
