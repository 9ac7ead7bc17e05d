import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { FakeClock } from '../time/index.ts';
import { loadAuthority, loadOrCreateAuthority, loadOrCreateTokenIssuer } from './authority-folder.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { TokenIssuer } from './token-issuer.ts';

const clock = new FakeClock();
const options = { trustDomain: 'cluster.local', clock };
const token = { issuer: 'https://weft.sandbox', clock };
let parent = '';
let folder = '';

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'weft-ca-'));
  folder = join(parent, 'state', 'ca');
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

async function kept(): Promise<CertificateAuthority> {
  const authority = await loadOrCreateAuthority(folder, options);
  assert.ok(authority instanceof CertificateAuthority, String(authority));
  return authority;
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

function refused(outcome: unknown, code: string, message: RegExp): void {
  assert.ok(outcome instanceof WeftError, 'should be refused');
  assert.equal(outcome.code, code, outcome.message);
  assert.match(outcome.message, message);
  assert.match(outcome.message, /; ./, 'names a remedy');
}

test('makes an authority once and finds the same again', async () => {
  const made = await kept();
  assert.deepEqual((await kept()).parts, made.parts);
  const loaded = await loadAuthority(folder, clock);
  assert.ok(loaded instanceof CertificateAuthority);
  assert.deepEqual(loaded.roots, made.roots);
});

test('only the owner can read what it keeps, and nothing else is left beside it', async () => {
  await kept();
  assert.deepEqual(readdirSync(folder).sort(), ['ca-cert.pem', 'ca-key.pem', 'root-cert.pem']);
  assert.equal(mode(folder), '700');
  for (const name of readdirSync(folder)) assert.equal(mode(join(folder, name)), '600');
  assert.deepEqual(readdirSync(join(parent, 'state')), ['ca']);
});

test('fills an empty folder', async () => {
  mkdirSync(folder, { recursive: true });
  await kept();
  assert.equal(readdirSync(folder).length, 3);
});

test('several processes that start at once use one authority', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, kept));
  assert.equal(new Set(all.map(authority => authority.roots.join(''))).size, 1);
  assert.deepEqual(readdirSync(join(parent, 'state')), ['ca']);
});

test('reads a folder as Istio lays it out, with a chain', async () => {
  const { parts, roots } = await kept();
  writeFileSync(join(folder, 'cert-chain.pem'), parts.chainPem + roots.join(''));
  assert.deepEqual((await kept()).roots, roots);
});

test('never replaces half an authority by a new one', async () => {
  await kept();
  const root = readFileSync(join(folder, 'root-cert.pem'), 'utf8');
  rmSync(join(folder, 'ca-key.pem'));
  refused(
    await loadOrCreateAuthority(folder, options),
    'ca-folder',
    /is incomplete: ca-key.pem is missing; put it back/,
  );
  assert.equal(readFileSync(join(folder, 'root-cert.pem'), 'utf8'), root);
});

test('says what is wrong with what is kept', async () => {
  await kept();
  writeFileSync(join(folder, 'ca-key.pem'), 'junk');
  refused(await loadAuthority(folder, clock), 'certificate-key-unreadable', /private key cannot be read/);
  const other = CertificateAuthority.createRoot(options);
  writeFileSync(join(folder, 'ca-key.pem'), other.parts.keyPem);
  refused(await loadAuthority(folder, clock), 'ca-key-mismatch', /is not the one of/);
  refused(
    await loadAuthority(join(parent, 'nowhere'), clock),
    'ca-folder',
    /is incomplete: ca-key.pem is missing/,
  );
});

test('leaves a folder with other things in it alone', async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  refused(await loadOrCreateAuthority(folder, options), 'ca-folder', /cannot be kept in/);
  assert.deepEqual(readdirSync(folder), ['notes.txt']);
  assert.deepEqual(readdirSync(join(parent, 'state')), ['ca']);
});

test('says so when the folder cannot be made', async () => {
  writeFileSync(join(parent, 'state'), 'a file');
  refused(await loadOrCreateAuthority(folder, options), 'ca-folder', /state/);
  refused(await loadOrCreateTokenIssuer(folder, token), 'ca-folder', /state/);
});

test('says so when files cannot be read', {
  skip: process.getuid?.() === 0 ? 'root may read everything' : false,
}, async () => {
  await kept();
  chmodSync(join(folder, 'ca-key.pem'), 0);
  refused(await loadAuthority(folder, clock), 'ca-folder', /ca-key.pem cannot be read/);
});

test('keeps the key of a token issuer', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateTokenIssuer(folder, token)));
  all.push(await loadOrCreateTokenIssuer(folder, token));
  const sets = all.map(issuer =>
    issuer instanceof TokenIssuer ? JSON.stringify(issuer.jwks()) : String(issuer),
  );
  assert.equal(new Set(sets).size, 1);
  assert.deepEqual(readdirSync(folder), ['token-key.pem']);
  assert.equal(mode(join(folder, 'token-key.pem')), '600');
});

test('refuses a token key that is none, and keeps the file', async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'token-key.pem'), 'junk');
  refused(await loadOrCreateTokenIssuer(folder, token), 'certificate-key-unreadable', /cannot be read/);
  assert.equal(readFileSync(join(folder, 'token-key.pem'), 'utf8'), 'junk');
});
