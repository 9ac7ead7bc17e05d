// A configuration is a file and those that it includes. Reading files is for others; here it is only said which are wanted.
import { errorMessage } from '../../errors/index.ts';
import { type KdlDocument, type KdlProblem, KdlReader } from '../../kdl/index.ts';
import { type CertificateFolder, certificateFolders, pairsOf } from './certificate-folder.ts';
import { type TemplateFile, templateFiles } from './page-templates.ts';

/** A file with its text. */
export interface SentinelFile {
  readonly file: string;
  readonly text: string;
}

/**
 * The first, which names the others; those in the order in which they are included; and what is wrong with the including itself.
 */
export interface SentinelFiles {
  readonly files: readonly [SentinelFile, ...SentinelFile[]];
  readonly problems: readonly KdlProblem[];
  /** What is in the folders of certificates that they name, by folder; undefined where nobody has looked. */
  readonly folders?: Readonly<Record<string, CertificateFolder>>;
  /** The templates of pages that they name, by path; undefined where nobody has looked. */
  readonly templates?: Readonly<Record<string, TemplateFile>>;
}

/** How files are found; all may throw. */
export interface FileReader {
  read(file: string): string;
  /** One name for each file, however it is called. */
  absolute(file: string): string;
  /** Those that a pattern means which stands in the file `from`, sorted, each by its absolute name. */
  find(pattern: string, from: string): readonly string[];
  /** Names of what is in a folder. */
  list(folder: string): readonly string[];
}

/** Reads a file and, one level after the other, those that it includes. Throws where the first cannot be read. */
export function readFiles(file: string, reader: FileReader): SentinelFiles {
  const first = { file, text: reader.read(file) };
  const files: [SentinelFile, ...SentinelFile[]] = [first];
  const known = new Set([reader.absolute(file)]);
  const problems: KdlProblem[] = [];
  const include = (from: SentinelFile, above: readonly string[]): void => {
    for (const { pattern, at } of includesOf(from)) {
      const found = reader.find(pattern, from.file);
      if (found.length === 0)
        problems.push({
          ...{ severity: 'warning', code: 'sentinel-include', at },
          message: `include "${pattern}" means no file`,
        });
      for (const each of found) {
        const error = (message: string): void =>
          void problems.push({ severity: 'error', code: 'sentinel-include', at, message });
        if (above.includes(each)) {
          error(`include "${pattern}" goes in a circle: ${[...above, each].join(' → ')}`);
          continue;
        }
        if (known.has(each)) continue;
        known.add(each);
        try {
          const next = { file: each, text: reader.read(each) };
          files.push(next);
          include(next, [...above, each]);
        } catch (thrown) {
          error(`include "${pattern}": ${each} cannot be read: ${errorMessage(thrown)}`);
        }
      }
    }
  };
  include(first, [reader.absolute(file)]);
  const folders = files.flatMap(each => certificateFolders(parsed(each).nodes));
  const templates = files.flatMap(each => templateFiles(parsed(each).nodes));
  return {
    ...{ files, problems },
    ...(folders.length > 0 && { folders: readFolders(folders, reader) }),
    ...(templates.length > 0 && { templates: readTemplates(templates, reader) }),
  };
}

function readTemplates(
  paths: readonly string[],
  reader: Pick<FileReader, 'read'>,
): Readonly<Record<string, TemplateFile>> {
  const read = (path: string): TemplateFile => {
    try {
      return { text: reader.read(path) };
    } catch (error) {
      return { unreadable: errorMessage(error) };
    }
  };
  return Object.fromEntries(paths.map(path => [path, read(path)]));
}

/** What is in folders of certificates now. */
export function readFolders(
  folders: readonly string[],
  reader: Pick<FileReader, 'list'>,
): Readonly<Record<string, CertificateFolder>> {
  return Object.fromEntries(folders.map(folder => [folder, readFolder(folder, reader)]));
}

function readFolder(folder: string, reader: Pick<FileReader, 'list'>): CertificateFolder {
  try {
    return pairsOf(folder, reader.list(folder));
  } catch (error) {
    return { pairs: [], skipped: [], unreadable: errorMessage(error) };
  }
}

/** What the file's `include` nodes say. */
function includesOf({ file, text }: SentinelFile) {
  return parsed({ file, text })
    .nodes.filter(each => each.name === 'include')
    .flatMap(each => each.args.map(({ value, at }) => ({ pattern: String(value), at })));
}

/** Most files whose documents are kept. A configuration has few; what is beyond belongs to one that was before. */
const MOST_KEPT = 256;

/** A file as it was read last, and what reads it again: only what changed is parsed. */
interface Kept {
  readonly text: string;
  readonly document: KdlDocument;
  readonly reader: KdlReader;
}

/** Each file as it was read last: it is read for what it includes, checked, and translated. What it said before goes. */
const kept = new Map<string, Kept>();

/** The document of a file. */
export function parsed({ file, text }: SentinelFile): KdlDocument {
  const known = kept.get(file);
  if (known?.text === text) return known.document;
  const reader = known?.reader ?? new KdlReader(file);
  const document = reader.read(text);
  kept.delete(file);
  const [oldest] = kept.size >= MOST_KEPT ? kept.keys() : [];
  if (oldest !== undefined) kept.delete(oldest);
  kept.set(file, { text, document, reader });
  return document;
}
