import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';

/** v1 Node: where it stands. */
export const nodeTranslator: KindTranslator = { kind: 'Node', translate: translateNode };

/**
 * The well-known labels (kubernetes.io/docs/reference/labels-annotations-taints), their names before 1.17, and Istio's third
 * level.
 */
function translateNode(
  object: KubeObject,
  { site: { cluster } }: TranslateContext,
  _report: Report,
): readonly Part[] {
  const { name, labels = {} } = object.metadata;
  const old = 'failure-domain.beta.kubernetes.io/';
  const region = labels['topology.kubernetes.io/region'] ?? labels[`${old}region`];
  const zone = labels['topology.kubernetes.io/zone'] ?? labels[`${old}zone`];
  const subzone = labels['topology.istio.io/subzone'];
  return [
    {
      kind: 'node',
      node: {
        name,
        ...(cluster !== undefined && { cluster }),
        ...(region === undefined ? {} : { region }),
        ...(zone === undefined ? {} : { zone }),
        ...(subzone === undefined ? {} : { subzone }),
      },
    },
  ];
}
