// A folder of certificates (sni-certs): which of its files belong together. What stands in them is for those who read them.
import type { KdlNode } from '../../kdl/index.ts';

/** A certificate and its key in a folder; `stem`: what both are called. */
export interface FilePair {
  readonly stem: string;
  readonly certificate: string;
  readonly key: string;
}

/** What is in a folder. */
export interface CertificateFolder {
  /** By stem, in order. */
  readonly pairs: readonly FilePair[];
  /** Files that are no pair, with the reason. */
  readonly skipped: readonly { readonly file: string; readonly why: string }[];
  /** Why it cannot be read. */
  readonly unreadable?: string;
}

/** Endings of certificates; of two files with one stem the first counts. */
const ENDINGS = ['.crt', '.pem', '.cert'] as const;

/** Pairs among the names of a folder; hidden files, and what has another ending, are nobody's business. */
export function pairsOf(folder: string, names: readonly string[]): CertificateFolder {
  const all = new Set(names.filter(name => !name.startsWith('.')));
  const path = (name: string): string => `${folder.replace(/\/+$/, '')}/${name}`;
  const pairs = new Map<string, FilePair>();
  const skipped: { readonly file: string; readonly why: string }[] = [];
  for (const ending of ENDINGS)
    for (const name of [...all].sort()) {
      if (!name.endsWith(ending) || name === ending) continue;
      const stem = name.slice(0, -ending.length);
      const known = pairs.get(stem);
      if (known) skipped.push({ file: path(name), why: `${known.certificate} has its name, and counts` });
      else if (!all.has(`${stem}.key`)) skipped.push({ file: path(name), why: `there is no ${stem}.key` });
      else pairs.set(stem, { stem, certificate: path(name), key: path(`${stem}.key`) });
    }
  for (const name of [...all].sort())
    if (name.endsWith('.key') && !ENDINGS.some(ending => all.has(name.replace(/\.key$/, ending))))
      skipped.push({ file: path(name), why: 'it is a key without a certificate' });
  const byStem = [...pairs.values()].sort((left, right) => (left.stem < right.stem ? -1 : 1));
  return { pairs: byStem, skipped };
}

/** Blocks in which listeners may stand. */
const AROUND: ReadonlySet<string> = new Set([
  'listeners',
  'listener',
  'namespace',
  'service',
  'tls',
  'sni-certs',
]);

/** Folders that a document names. */
export function certificateFolders(nodes: readonly KdlNode[]): readonly string[] {
  return nodes.flatMap(({ name, args, properties, children }) => {
    if (name === 'cert-folder') return args.map(({ value }) => String(value));
    if (!AROUND.has(name)) return [];
    const own = properties.filter(each => each.name === 'cert-folder').map(({ value }) => String(value));
    return [...own, ...certificateFolders(children)];
  });
}
