import type { LabelSelector, MtlsMode } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';

/** security.istio.io PeerAuthentication, v1beta1 and v1. */
export const peerAuthenticationTranslator: KindTranslator = {
  kind: 'PeerAuthentication.security.istio.io',
  translate: translatePeerAuthentication,
};

const modes: Readonly<Record<string, MtlsMode | undefined>> = {
  UNSET: undefined,
  STRICT: 'strict',
  PERMISSIVE: 'permissive',
  DISABLE: 'disable',
};

function translatePeerAuthentication(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp = '' } = object.metadata;
  const meshWide = context.rootNamespaces.includes(namespace);
  const spec = fieldsOf(object, 'spec', report);
  const selector = selectorOf(spec);
  const mode = modeOf(spec.object('mtls'));
  const portModes = portModesOf(spec.object('portLevelMtls'), report);
  spec.rest();
  if (portModes.size > 0 && !selector) {
    const remedy = 'ports need a selector in the same policy; without one they have no effect';
    report.warn('field-not-supported', 'spec.portLevelMtls', remedy);
  }
  return [
    {
      kind: 'policy',
      of: 'peerPolicies',
      policy: {
        // One with a selector in a root namespace is about the workloads there, as in Istio.
        ...(meshWide && !selector ? {} : { namespace }),
        ...(selector && { selector }),
        ...(mode && { mode }),
        portModes: selector ? portModes : new Map(),
        from: report.object,
      },
      createdAt: creationTimestamp,
    },
  ];
}

/** A selector without labels selects every workload of the namespace, as no selector does. */
function selectorOf(spec: Fields): LabelSelector | undefined {
  const selector = spec.object('selector');
  const matchLabels = selector?.strings('matchLabels');
  selector?.rest();
  return matchLabels && Object.keys(matchLabels).length > 0 ? { matchLabels } : undefined;
}

function modeOf(mtls: Fields | undefined): MtlsMode | undefined {
  const mode = mtls?.choice('mode', Object.keys(modes));
  mtls?.rest();
  return mode === undefined ? undefined : modes[mode];
}

function portModesOf(ports: Fields | undefined, report: Report): ReadonlyMap<number, MtlsMode> {
  const found = new Map<number, MtlsMode>();
  for (const name of ports?.names() ?? []) {
    const mode = modeOf(ports!.object(name));
    const port = /^\d{1,5}$/.test(name) ? Number(name) : 0;
    if (port < 1 || port > 65_535) {
      report.error(
        'field-invalid',
        ports!.at(name),
        `${ports!.at(name)}: '${name}' is no port of the workload`,
      );
    } else if (mode) {
      found.set(port, mode);
    }
  }
  return found;
}
