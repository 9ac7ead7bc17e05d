// traefik.io IngressRouteTCP where it passes TLS on, which needs no port of its own; the rest, and IngressRouteUDP, is refused.
import { recordOf } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { IngressPath, RouteBackend, RoutePath } from '../ingress/ingress-model.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { type HostPath, ingressOf, rulesOf } from './ingress-route.ts';
import { type BackendContext, readRouteBackend } from './route-backends.ts';
import { schemeOf } from './routers.ts';
import { parseRule, RuleError } from './rule-syntax.ts';

/** TLS that is passed on by the name that is asked for; what else there is of TCP has no port here. */
export function translateIngressRouteTcp(
  object: KubeObject,
  { clusterDomain }: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const scheme = schemeOf(spec.texts('entryPoints'), why =>
    report.error('field-invalid', 'spec.entryPoints', `spec.entryPoints: ${why}`),
  );
  const tls = spec.object('tls');
  const passes = tls?.flag('passthrough') === true;
  if (!passes || scheme === 'http')
    report.error(
      'field-invalid',
      'spec.tls.passthrough',
      'spec.tls.passthrough: only TLS that is passed on (passthrough: true, at websecure) is served; write a TCPRoute or a TLSRoute (gateway.networking.k8s.io)',
    );
  tls?.rest();
  const paths = spec
    .objects('routes')
    .flatMap(each => readRouteTcp(each, { namespace, clusterDomain, report }));
  spec.rest();
  const read = ingressOf(object, report, rulesOf(paths), []);
  return [{ kind: 'ingress', ingress: read }];
}

function readRouteTcp(fields: Fields, context: BackendContext): readonly HostPath[] {
  const { report } = context;
  const rule = fields.text('match') ?? '';
  for (const each of ['priority', 'syntax']) fields.pass(each);
  if (fields.has('middlewares'))
    report.error(
      'field-invalid',
      fields.at('middlewares'),
      `${fields.at('middlewares')} cannot be carried out; write an AuthorizationPolicy with addresses for the Gateway`,
    );
  fields.pass('middlewares');
  const backends = fields.objects('services').flatMap(each => {
    for (const name of ['terminationDelay', 'proxyProtocol', 'tls'])
      each.unsupported(name, 'it has no effect on connections that are passed on');
    const backend = readRouteBackend(each, context);
    each.rest();
    return backend === undefined ? [] : [backend];
  });
  fields.rest();
  const hosts = serverNames(rule);
  const [first] = backends;
  if (hosts === undefined) {
    report.error(
      'field-invalid',
      fields.at('match'),
      `${fields.at('match')} is not HostSNI with a name, or several joined by ||`,
    );
    return [];
  }
  if (first === undefined) {
    report.error('field-invalid', fields.at('services'), `${fields.at('services')} names no backend`);
    return [];
  }
  return hosts.map(host => ({ host, path: passedPath(fields.path, rule, first, backends) }));
}

function passedPath(
  at: string,
  rule: string,
  first: RouteBackend,
  backends: readonly RouteBackend[],
): IngressPath {
  const route: RoutePath = {
    ...{ matches: [], rule, priority: rule.length, scheme: 'https', middlewares: [], backends },
    passed: true,
  };
  return { path: '/', type: 'prefix', target: first.target, at, route };
}

/** Of HostSNI(`a`) || HostSNI(`b`); undefined for what is none. */
function serverNames(rule: string): readonly string[] | undefined {
  try {
    const node = parseRule(rule);
    const all = node.kind === 'or' ? node.nodes : [node];
    const names = all.flatMap(each =>
      each.kind === 'matcher' && each.name.toLowerCase() === 'hostsni' && each.values.length > 0
        ? each.values.map(value => value.toLowerCase())
        : [''],
    );
    return names.every(each => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(each)) ? names : undefined;
  } catch (error) {
    if (error instanceof RuleError) return undefined;
    throw error;
  }
}

/** IngressRouteUDP: nobody knows at which port of the gateway it is. */
export function translateIngressRouteUdp(
  object: KubeObject,
  _context: TranslateContext,
  report: Report,
): readonly Part[] {
  const [entryPoint = ''] = [recordOf(object.spec).entryPoints].flat();
  report.error(
    'field-invalid',
    'spec.entryPoints',
    `spec.entryPoints: '${String(entryPoint)}' is no port of a gateway; write a listener of protocol UDP and a UDPRoute (gateway.networking.k8s.io)`,
  );
  return [];
}
