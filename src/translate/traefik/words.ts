import { recordsOf } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { asRefused, withProblems } from '../ingress/ingress-dialect.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import { readBackend, readRouter, TraefikAnnotations } from './annotations.ts';
import { readMiddleware } from './middleware.ts';
import { readTlsOption } from './tls-option.ts';
import { readTraefikService } from './traefik-service.ts';

type Translate = (object: KubeObject, context: TranslateContext, report: Report) => readonly Part[];

const closedWords =
  'nothing of this has held before, so until it is corrected the paths that it is about answer 503';

/** What is refused, and never held, keeps the paths that it is about from being served. */
function translatorOf(kind: string, translate: Translate): KindTranslator {
  return {
    kind,
    translate,
    closedWords,
    closed: (object, context, from) => translate(object, context, new Report(from)).map(asRefused),
  };
}

/** What is wrong with them counts where the class of the Ingress is of this dialect. */
const translateIngress: Translate = ({ metadata, spec }, _context, { object }) => {
  const own = new Report(object);
  const annotations = new TraefikAnnotations(metadata.annotations, own);
  if (annotations.isEmpty) return [];
  const hasTls = recordsOf((spec as { readonly tls?: unknown } | undefined)?.tls).length > 0;
  const router = readRouter(annotations, hasTls);
  annotations.rest('ingress');
  const part: Part = { kind: 'ingress-words', words: { ...base(metadata, own), of: 'ingress', ...router } };
  return [withProblems(part, own.problems)];
};

const translateService: Translate = ({ metadata }, _context, report) => {
  const annotations = new TraefikAnnotations(metadata.annotations, report);
  if (annotations.isEmpty) return [];
  const backend = readBackend(annotations);
  annotations.rest('service');
  return [{ kind: 'ingress-words', words: { ...base(metadata, report), of: 'service', ...backend } }];
};

const translateMiddleware: Translate = (object, context, report) => [
  {
    kind: 'ingress-words',
    words: {
      ...base(object.metadata, report),
      of: 'middleware',
      effect: readMiddleware(object, context, report),
    },
  },
];

function base({ namespace = '', name }: KubeObject['metadata'], { object: from }: Report) {
  return { dialect: 'traefik', key: `${namespace}/${name}`, from } as const;
}

/** A translator for each of Traefik's groups. */
const ofGroups = (kind: string, translate: Translate): readonly KindTranslator[] =>
  ['traefik.io', 'traefik.containo.us'].map(group => translatorOf(`${kind}.${group}`, translate));

/** Traefik's annotations on networking.k8s.io Ingress. */
export const traefikIngressTranslator: KindTranslator = {
  kind: 'Ingress.networking.k8s.io',
  translate: translateIngress,
};
/** Traefik's annotations on v1 Service. */
export const traefikServiceTranslator = translatorOf('Service', translateService);
/** traefik.io Middleware, and by the group that it had before. */
export const middlewareTranslators = ofGroups('Middleware', translateMiddleware);
/** TraefikServices. */
export const traefikServiceKinds = ofGroups('TraefikService', (object, context, report) => [
  {
    kind: 'ingress-words',
    words: {
      ...base(object.metadata, report),
      ...{ of: 'traefik-service', ...readTraefikService(object, context, report) },
    },
  },
]);
/** TLSOptions. */
export const tlsOptionKinds = ofGroups('TLSOption', (object, _context, report) => [
  {
    kind: 'ingress-words',
    words: { ...base(object.metadata, report), of: 'tls-option', tls: readTlsOption(object, report) },
  },
]);
