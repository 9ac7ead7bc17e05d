import { HAPROXY_CONFIG } from '../../config/index.ts';
import { isRecord } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator } from '../dialect.ts';
import { asRefused, type WordsBase, withProblems } from '../ingress/ingress-dialect.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import type { HaproxyPlace } from './annotations.table.ts';
import { HaproxyAnnotations, type HaproxyValues, haproxyValues } from './annotations.ts';
import { readHaproxySettings } from './settings.ts';

/** What an Ingress, a Service or the ConfigMap says in HAProxy's words. */
export interface HaproxyWords extends WordsBase {
  readonly dialect: 'haproxy';
  readonly of: HaproxyPlace;
  readonly values: HaproxyValues;
}

const closedWords =
  'nothing of these annotations has held before, so until they are corrected the paths that they are about answer 503';

/** HAProxy's annotations on networking.k8s.io Ingress. What is wrong with them counts where its class is of this dialect. */
export const haproxyIngressTranslator: KindTranslator = {
  kind: 'Ingress.networking.k8s.io',
  translate: (object, _context, { object: from }) => {
    const own = new Report(from);
    return annotationsPart(object, 'ingress', own).map(part => withProblems(part, own.problems));
  },
};

/** HAProxy's annotations on v1 Service. */
export const haproxyServiceTranslator: KindTranslator = {
  kind: 'Service',
  translate: (object, _context, report) => annotationsPart(object, 'service', report),
  closedWords,
  closed: (object, _context, from) => annotationsPart(object, 'service', new Report(from)).map(asRefused),
};

function annotationsPart(object: KubeObject, of: 'ingress' | 'service', report: Report): readonly Part[] {
  const values = haproxyValues(object.metadata.annotations);
  return Object.keys(values).length === 0 ? [] : wordsPart(object, of, values, report);
}

/** v1 ConfigMap, where it is that of HAProxy's controller. */
export const haproxyConfigTranslator: KindTranslator = {
  kind: 'ConfigMap',
  translate: (object, _context, report) => {
    if (object.metadata.name !== HAPROXY_CONFIG) return [];
    const data = isRecord(object.data) ? object.data : {};
    const texts = Object.entries(data).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value.trim()] as const] : [],
    );
    return wordsPart(object, 'config', Object.fromEntries(texts), report);
  },
};

function wordsPart(
  { metadata: { namespace = '', name } }: KubeObject,
  of: HaproxyPlace,
  values: HaproxyValues,
  report: Report,
): readonly Part[] {
  const at = of === 'config' ? (key: string) => `data['${key}']` : undefined;
  const annotations = new HaproxyAnnotations(values, report, at);
  readHaproxySettings(annotations, { namespace, name, from: report.object, isAlone: true });
  annotations.rest(of);
  const words: HaproxyWords = {
    dialect: 'haproxy',
    of,
    key: `${namespace}/${name}`,
    values,
    from: report.object,
  };
  return [{ kind: 'ingress-words', words }];
}
