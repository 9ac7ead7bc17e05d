import { randomUUID } from 'node:crypto';
import { chown, link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorMessage, WeftError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { AUTHORITY_FILES, RECORD_FILES, readRecord, TLS_FILES, writeRecord } from './authority-files.ts';
import { CertificateAuthority, type RootOptions } from './certificate-authority.ts';
import { formatRevocations, parseRevocations, type WrittenRevocation } from './revocations.ts';
import type { AuthorityRecord } from './rotation.ts';
import { TokenIssuer, type TokenIssuerOptions } from './token-issuer.ts';

const tokenKeyFile = 'token-key.pem';
const revokedFile = 'revoked.json';

/** Reads the authority that is kept in `folder`. Errors: ca-folder, and those of CertificateAuthority.load. */
export async function loadAuthority(folder: string, clock: Clock): Promise<CertificateAuthority | WeftError> {
  const record = await readAuthorityRecord(folder);
  return record instanceof WeftError ? record : CertificateAuthority.load(record.parts, clock);
}

/**
 * Reads what is kept in `folder`, a rotation that is under way included: our own files, Istio's, or those of a Secret of type
 * kubernetes.io/tls. Error: ca-folder.
 */
export async function readAuthorityRecord(folder: string): Promise<AuthorityRecord | WeftError> {
  const texts: Record<string, string | undefined> = {};
  for (const name of [...RECORD_FILES, ...Object.values(TLS_FILES)]) {
    const text = await readText(join(folder, name));
    if (text instanceof WeftError) return text;
    texts[name] = text;
  }
  return readRecord(texts, folder, 'ca-folder');
}

/** Writes a record, each file whole or not at all, roots first. Error: ca-folder. */
export async function writeAuthorityRecord(
  folder: string,
  record: AuthorityRecord,
): Promise<WeftError | undefined> {
  try {
    for (const [name, text] of Object.entries(writeRecord(record))) {
      if (text === undefined) await rm(join(folder, name), { force: true });
      else await replaceFile(join(folder, name), text);
    }
    return undefined;
  } catch (thrown) {
    return folderError(
      `the certificate authority in ${folder} cannot be changed: ${errorMessage(thrown)}`,
      'run this as the owner of the folder',
    );
  }
}

/** What is revoked by this folder. Errors: ca-folder, revocations. */
export async function readRevocations(folder: string): Promise<readonly WrittenRevocation[] | WeftError> {
  const text = await readText(join(folder, revokedFile));
  return text instanceof WeftError ? text : parseRevocations(text);
}

/** Writes what is revoked. Error: ca-folder. */
export async function writeRevocations(
  folder: string,
  list: readonly WrittenRevocation[],
): Promise<WeftError | undefined> {
  try {
    await replaceFile(join(folder, revokedFile), formatRevocations(list));
    return undefined;
  } catch (thrown) {
    return folderError(
      `the revocations in ${folder} cannot be changed: ${errorMessage(thrown)}`,
      'run this as the owner of the folder',
    );
  }
}

/**
 * Loads the authority of `folder`, or makes a new root there when the folder is missing or empty. The folder belongs to the
 * authority alone (0700, files 0600) and appears whole or not at all; when two processes make it at once, both use the first.
 */
export async function loadOrCreateAuthority(
  folder: string,
  options: RootOptions,
): Promise<CertificateAuthority | WeftError> {
  const path = resolve(folder);
  const fresh = `${path}.${randomUUID()}.new`;
  try {
    if (await hasAuthority(path)) return await loadAuthority(path, options.clock);
    const authority = CertificateAuthority.createRoot(options);
    await mkdir(dirname(path), { recursive: true });
    await mkdir(fresh, { mode: 0o700 });
    await writeNew(join(fresh, AUTHORITY_FILES.roots), authority.roots.join(''));
    await writeNew(join(fresh, AUTHORITY_FILES.certificate), authority.parts.chainPem);
    await writeNew(join(fresh, AUTHORITY_FILES.key), authority.parts.keyPem);
    return (await moveInto(fresh, path)) ? authority : await loadAuthority(path, options.clock);
  } catch (thrown) {
    return folderError(
      `the certificate authority cannot be kept in ${folder}: ${errorMessage(thrown)}`,
      'give a folder that this user can write',
    );
  } finally {
    await discard(fresh);
  }
}

/** Loads the key of a TokenIssuer from `folder`, or makes one there. The file is 0600 and appears whole or not at all. */
export async function loadOrCreateTokenIssuer(
  folder: string,
  options: Omit<TokenIssuerOptions, 'keyPem'>,
): Promise<TokenIssuer | WeftError> {
  const path = join(folder, tokenKeyFile);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const kept = (await readText(path)) ?? (await keepFirst(path, options));
    if (kept instanceof WeftError) return kept;
    return TokenIssuer.create({ ...options, keyPem: kept });
  } catch (thrown) {
    return folderError(
      `the key for signing tokens cannot be kept in ${folder}: ${errorMessage(thrown)}`,
      'give a folder that this user can write',
    );
  }
}

async function hasAuthority(folder: string): Promise<boolean> {
  for (const name of [...Object.values(AUTHORITY_FILES), ...Object.values(TLS_FILES)]) {
    if ((await readText(join(folder, name))) !== undefined) return true;
  }
  return false;
}

/** Renames a folder over a missing or empty one; false when another process was faster. */
async function moveInto(fresh: string, folder: string): Promise<boolean> {
  try {
    await rename(fresh, folder);
    await syncFolder(dirname(folder));
    return true;
  } catch (thrown) {
    if (isCode(thrown, 'ENOTEMPTY', 'EEXIST') && (await hasAuthority(folder))) return false;
    throw thrown;
  }
}

/** Writes a fresh key unless another process was faster, and returns the one that is kept. A link never overwrites. */
async function keepFirst(
  path: string,
  options: Omit<TokenIssuerOptions, 'keyPem'>,
): Promise<string | WeftError | undefined> {
  const fresh = `${path}.${randomUUID()}.new`;
  const issuer = TokenIssuer.create(options);
  if (issuer instanceof WeftError) return issuer;
  try {
    await writeNew(fresh, issuer.exportKey());
    await link(fresh, path);
    await syncFolder(dirname(path));
  } catch (thrown) {
    if (!isCode(thrown, 'EEXIST')) throw thrown;
  } finally {
    await discard(fresh);
  }
  return readText(path);
}

async function writeNew(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Over what is there, with its owner, so that whoever reads it still can. */
async function replaceFile(path: string, text: string): Promise<void> {
  const fresh = `${path}.${randomUUID()}.new`;
  const before = await stat(path).catch(() => stat(dirname(path)));
  try {
    await writeNew(fresh, text);
    if (process.getuid?.() === 0) await chown(fresh, before.uid, before.gid);
    await rename(fresh, path);
    await syncFolder(dirname(path));
  } finally {
    await discard(fresh);
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Removes what was being made. That it cannot is no news: whatever prevents it was reported before. */
async function discard(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {});
}

/** Undefined when there is no such file. */
async function readText(path: string): Promise<string | WeftError | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (isCode(thrown, 'ENOENT')) return undefined;
    return folderError(`${path} cannot be read: ${errorMessage(thrown)}`, 'make it readable for this user');
  }
}

function isCode(thrown: unknown, ...codes: readonly string[]): boolean {
  return thrown instanceof Error && 'code' in thrown && codes.includes(String(thrown.code));
}

function folderError(message: string, remedy: string): WeftError {
  return new WeftError('ca-folder', `${message}; ${remedy}`, { source: 'config' });
}
