// sentinel: the KDL of Sentinel (Zentinel), an edge proxy: https://github.com/raskell-io/sentinel. In: the text of a file. Out:
// what it says, as data, and everything wrong with it with line and column; and, as a dialect like others, the parts of a mesh.
// schema/ has every option with what becomes of it.
import type { KindTranslator } from '../dialect.ts';
import { configurationTranslator } from './configuration-translator.ts';
import { endpointsTranslator } from './endpoints-translator.ts';

export type { CertificateFolder } from './certificate-folder.ts';
export type * from './configuration.ts';
export { type FileReader, readFiles, readFolders, type SentinelFiles } from './files.ts';
export {
  acmeName,
  authoritiesName,
  BUILTIN_NAME,
  certificateName,
  configurationObject,
  type EndpointEntry,
  endpointsObject,
  FILES_FIELD,
  SENTINEL_KINDS,
  SENTINEL_NAME,
  secretObject,
} from './objects.ts';
export { type ReadConfiguration, readSentinel, readSentinelFiles } from './read.ts';
export { HEALTH_PATH, HEALTH_RULE } from './route-parts.ts';

/** For TranslatorOptions.dialects of who reads files of this dialect. */
export const sentinel: readonly KindTranslator[] = [configurationTranslator, endpointsTranslator];
