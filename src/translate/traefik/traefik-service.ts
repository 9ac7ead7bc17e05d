import type { KubeObject } from '../../registry/index.ts';
import type { TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { RouteBackend } from '../ingress/ingress-model.ts';
import type { Report } from '../report.ts';
import type { TraefikServiceWords } from './model.ts';
import { type BackendContext, readRouteBackend, readSticky } from './route-backends.ts';

/** What a TraefikService says: backends by weight, or one whose requests others get copies of. */
export function readTraefikService(
  object: KubeObject,
  { clusterDomain }: TranslateContext,
  report: Report,
): Pick<TraefikServiceWords, 'backends' | 'mirrors' | 'session'> {
  const context = { namespace: object.metadata.namespace ?? '', clusterDomain, report };
  const spec = fieldsOf(object, 'spec', report);
  const kinds = spec.names();
  const [kind = ''] = kinds;
  if (kinds.length !== 1)
    report.error(
      'field-invalid',
      'spec',
      `spec has ${kinds.length} of weighted, mirroring; it must have one`,
    );
  const fields = spec.object(kind === 'mirroring' ? 'mirroring' : 'weighted');
  if (kind === 'mirroring' && fields !== undefined) return readMirroring(fields, context);
  if (kind === 'weighted' && fields !== undefined) return readWeighted(fields, context);
  if (kind !== '' && kind !== 'weighted' && kind !== 'mirroring')
    report.error(
      'field-invalid',
      spec.at(kind),
      `${spec.at(kind)} cannot be carried out; write weighted or mirroring`,
    );
  return { backends: [] };
}

function readWeighted(fields: Fields, context: BackendContext): ReturnType<typeof readTraefikService> {
  const backends = fields.objects('services').flatMap(each => backendOf(each, context));
  if (backends.length === 0)
    context.report.error('field-invalid', fields.at('services'), `${fields.at('services')} names no backend`);
  const session = readSticky(fields.object('sticky'), context.report);
  fields.rest();
  return { backends, ...given({ session }) };
}

function readMirroring(fields: Fields, context: BackendContext): ReturnType<typeof readTraefikService> {
  const mirrors = fields.objects('mirrors').flatMap(each => {
    const percent = each.number('percent', { max: 100 }) ?? 0;
    return backendOf(each, context).map(backend => {
      if (backend.traffic.tls !== undefined || backend.traffic.http2 !== undefined)
        context.report.error(
          'field-invalid',
          each.at('scheme'),
          `${each.at('scheme')} cannot be carried out: copies go as http; leave it out`,
        );
      return { backend, percent };
    });
  });
  const body = fields.flag('mirrorBody');
  fields.unsupported('maxBodySize', 'bodies of copies are as long as those of the requests');
  const main = backendOf(fields, context);
  return {
    backends: main,
    mirrors: mirrors.map(each => ({ ...each, ...(body === false && { withoutBody: true as const }) })),
  };
}

function backendOf(fields: Fields, context: BackendContext): readonly RouteBackend[] {
  const backend = readRouteBackend(fields, context);
  fields.rest();
  return backend === undefined ? [] : [backend];
}
