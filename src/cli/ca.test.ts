// `weft ca` on the folder of an authority, as people type it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Command } from 'commander';
import { fingerprintsOf, loadOrCreateAuthority, rootOfChain } from '../ca/index.ts';
import { WeftError } from '../errors/index.ts';
import { systemClock } from '../time/index.ts';
import { folderPlace } from './ca/place.ts';
import { notReady } from './ca/readiness.ts';
import { register } from './ca.ts';

async function authorityIn(context: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-ca-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const made = await loadOrCreateAuthority(join(folder, 'ca'), {
    trustDomain: 'cluster.local',
    clock: systemClock,
  });
  assert.ok(!(made instanceof WeftError));
  return join(folder, 'ca');
}

/** What a command prints, and says on stderr. */
async function typed(context: TestContext, ...words: readonly string[]): Promise<string> {
  let printed = '';
  const take = (text: string | Uint8Array): boolean => {
    printed += String(text);
    return true;
  };
  const out = context.mock.method(process.stdout, 'write', take);
  const err = context.mock.method(process.stderr, 'write', take);
  try {
    const program = new Command('weft');
    register(program);
    await program.parseAsync(['node', 'weft', 'ca', ...words]);
  } finally {
    out.mock.restore();
    err.mock.restore();
    process.exitCode = 0;
  }
  return printed;
}

test('status, revocations and their return are told, and steps of a rotation in order', async context => {
  const folder = await authorityIn(context);
  const at = ['--ca-dir', folder] as const;
  assert.match(await typed(context, 'status', ...at), /no rotation is under way[\s\S]*root +in use +\d+d/);
  const principal = 'spiffe://cluster.local/ns/shop/sa/cart';
  assert.match(await typed(context, 'revoke', principal, '--why', 'stolen', ...at), /within seconds/);
  assert.match(await typed(context, 'revoked', ...at), /sa\/cart .*stolen/);
  assert.match(await typed(context, 'restore', principal, ...at), /revoked no more/);
  assert.match(
    await typed(context, 'restore', principal, ...at),
    /error: .* is not revoked; weft ca revoked/,
  );
  assert.match(await typed(context, 'revoke', 'cart', ...at), /error: 'cart' is neither spiffe/);
  const old = rootOfChain((await folderPlace(folder).read()).parts);
  assert.match(await typed(context, 'rotate', ...at), /the new root is trusted beside the old one/);
  const status = JSON.parse(await typed(context, 'status', '-o', 'json', ...at)) as { stage: string };
  assert.equal(status.stage, 'announced');
  assert.match(await typed(context, 'rotate', ...at), /issued under the new root/);
  assert.match(await typed(context, 'rotate', ...at), /the rotation is done/);
  const { parts, distrusted } = await folderPlace(folder).read();
  assert.deepEqual(distrusted, [old]);
  assert.equal(fingerprintsOf(parts.roots).includes(old), false);
  assert.match(await typed(context, 'rotate', '--back', ...at), /error: no rotation is under way; begin one/);
});

test('the roots are told as a SPIFFE bundle', async context => {
  const folder = await authorityIn(context);
  const bundle = JSON.parse(await typed(context, 'bundle', '--ca-dir', folder)) as {
    keys: { use: string }[];
  };
  assert.deepEqual(
    bundle.keys.map(({ use }) => use),
    ['x509-svid'],
  );
});

test('a certificate is issued and inspected', async context => {
  const folder = await authorityIn(context);
  const out = join(folder, 'out');
  const principal = 'spiffe://cluster.local/ns/vm/sa/billing';
  assert.match(
    await typed(context, 'issue', principal, '--out', out, '--ca-dir', folder),
    /a certificate of .*billing/,
  );
  const told = await typed(context, 'inspect', join(out, 'tls.crt'));
  assert.match(told, /identity +spiffe:\/\/cluster\.local\/ns\/vm\/sa\/billing[\s\S]*expires +in 2[34]h/);
  assert.match(await typed(context, 'inspect', join(out, 'missing')), /error: .* cannot be read/);
});

test('who is not ready for a step is told with the reason', async context => {
  const folder = await authorityIn(context);
  await typed(context, 'rotate', '--ca-dir', folder);
  const record = await folderPlace(folder).read();
  const [old, fresh] = fingerprintsOf(record.parts.roots) as [string, string];
  const proxies = [
    { pod: 'a/ready', trusts: [old, fresh], root: old },
    { pod: 'a/late', trusts: [old], root: old },
    { pod: 'a/mute', trusts: [], root: '', trouble: 'no answer' },
  ];
  assert.deepEqual(
    notReady(record, proxies).map(({ pod }) => pod),
    ['a/late', 'a/mute'],
  );
});
