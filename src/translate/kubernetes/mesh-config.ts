import { parse } from 'yaml';
import { MESH_CONFIG } from '../../config/index.ts';
import { DEFAULT_PATH_NORMALIZATION, PATH_NORMALIZATIONS } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { readAuthorizers } from './external-authorizers.ts';
import { readFederatedDomains } from './federated-domains.ts';
import { readMeshTelemetry } from './mesh-telemetry.ts';

/** v1 ConfigMap: settings of the mesh as a whole, Weft's own and Istio's; every other one is nobody's business here. */
export const meshConfigTranslator: KindTranslator = { kind: 'ConfigMap', translate: translateMeshConfig };

/** Istio's `DEFAULT` is a name of its own for what holds without a word. */
const modes = ['DEFAULT', ...PATH_NORMALIZATIONS] as const;

/**
 * Both hold a MeshConfig under the key `mesh`. Of Istio's, which has a hundred fields, `pathNormalization`, `trustDomainAliases`,
 * `caCertificates`, `h2UpgradePolicy` and what concerns telemetry is read and the rest passed over without a word; in Weft's own
 * a field that has no effect is named.
 */
function translateMeshConfig(
  object: KubeObject,
  { rootNamespaces }: TranslateContext,
  report: Report,
): readonly Part[] {
  const { name, namespace = '' } = object.metadata;
  const rank = MESH_CONFIG.indexOf(name as (typeof MESH_CONFIG)[number]);
  if (rank < 0 || !rootNamespaces.includes(namespace)) return [];
  const data = new Fields(object as unknown as Record<string, unknown>, '', report).object('data');
  const text = data?.text('mesh');
  if (data === undefined || text === undefined) return [];
  const config = read(text, data.at('mesh'), report);
  const paths = config?.object('pathNormalization');
  const said = paths?.choice('normalization', modes);
  const upgrade = config?.choice('h2UpgradePolicy', ['DO_NOT_UPGRADE', 'UPGRADE']);
  const h2Upgrade = upgrade === undefined ? undefined : upgrade === 'UPGRADE';
  const telemetry = config && readMeshTelemetry(config, report);
  const trustDomainAliases = config?.has('trustDomainAliases')
    ? config.texts('trustDomainAliases')
    : undefined;
  const federation = config?.has('caCertificates') ? readFederatedDomains(config, report) : undefined;
  const authorizers = config?.has('extensionProviders') ? readAuthorizers(config, report) : undefined;
  if (rank === 0) {
    paths?.rest();
    config?.rest();
  }
  const pathNormalization = said === 'DEFAULT' ? DEFAULT_PATH_NORMALIZATION : said;
  const settings = given({
    pathNormalization,
    h2Upgrade,
    telemetry,
    trustDomainAliases,
    federation,
    authorizers,
  });
  if (Object.keys(settings).length === 0) return [];
  return [{ kind: 'mesh-settings', rank, ...settings, from: report.object }];
}

function read(text: string, path: string, report: Report): Fields | undefined {
  try {
    const value: unknown = parse(text, { logLevel: 'error' }) ?? {};
    if (typeof value === 'object' && !Array.isArray(value))
      return new Fields(value as Record<string, unknown>, path, report);
    report.error('field-invalid', path, 'must be the YAML of a MeshConfig');
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message.split('\n')[0]! : String(thrown);
    report.error('field-invalid', path, `must be the YAML of a MeshConfig: ${reason.toLowerCase()}`);
  }
  return undefined;
}
