import type { NamespaceAccess } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { readInboundAccess } from '../inbound-access.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';

/** v1 Namespace: whom its pods let in that say nothing themselves. */
export const namespaceTranslator: KindTranslator = { kind: 'Namespace', translate: translateNamespace };

function translateNamespace(object: KubeObject, _context: TranslateContext, report: Report): readonly Part[] {
  const { name, creationTimestamp: createdAt = '' } = object.metadata;
  const access = readInboundAccess(object, report);
  if (access === undefined) return [];
  const policy: NamespaceAccess = { is: 'default', namespace: name, access, from: report.object };
  return [{ kind: 'policy', of: 'serverPolicies', policy, createdAt }];
}
