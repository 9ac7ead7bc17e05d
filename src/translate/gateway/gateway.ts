import {
  type AllowedRoutes,
  type AttachedKind,
  type ClientValidation,
  type CredentialRef,
  DEPLOY_ANNOTATION,
  type FrontendValidation,
  type Gateway,
  type GatewayListener,
  ISSUER_ANNOTATION,
  issuerKey,
  LISTENER_PROTOCOLS,
  type ListenerProtocol,
  type ListenerTls,
  validationAt,
} from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import { readSelector } from '../selector.ts';
import { readCredentialRef, readTickets, readTlsVersions } from './credential-ref.ts';
import { readInfrastructure } from './infrastructure.ts';
import { readListenerOptions } from './listener-options.ts';
import { required } from './matches.ts';
import { GATEWAY_GROUP } from './parent-ref.ts';

/** gateway.networking.k8s.io Gateway, v1beta1 and v1. What is wrong with one listener costs the others nothing. */
export const gatewayTranslator: KindTranslator = {
  kind: 'Gateway.gateway.networking.k8s.io',
  translate: translateGateway,
};

function translateGateway(object: KubeObject, _context: TranslateContext, report: Report): readonly Part[] {
  const { name, namespace = '', creationTimestamp = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const className = required(spec, 'gatewayClassName', report);
  // Whose class it is shows only in the mesh: nobody is told what is wrong with the Gateways of others.
  const own = new Report(report.object);
  const fields = fieldsOf(object, 'spec', own);
  fields.text('gatewayClassName');
  const tls = fields.object('tls');
  const frontend = readFrontend(tls, namespace, own);
  const clientCertificate = readClientCertificate(tls?.object('backend'), namespace, own);
  const options = readListenerOptions(object, own);
  const named = object.metadata.annotations?.[ISSUER_ANNOTATION];
  const issuer = named === undefined ? undefined : issuerKey({ namespace, name: named });
  const listeners = fields
    .objects('listeners')
    .flatMap(each => readListener(each, { namespace, frontend, options, issuer }, own));
  const infrastructure = readInfrastructure(fields.object('infrastructure'), namespace);
  const addresses = fields.objects('addresses').map(each => {
    const value = each.text('value') || undefined;
    return { type: each.text('type') || 'IPAddress', ...given({ value }) };
  });
  const allowedSets = readAllowedSets(fields.object('allowedListeners'), own);
  fields.unsupported('defaultScope');
  fields.rest();
  const isByHand = object.metadata.annotations?.[DEPLOY_ANNOTATION] === 'none';
  const gateway: Gateway = {
    ...{ namespace, name, className, listeners, from: report.object },
    needsGrant: { group: GATEWAY_GROUP, kind: 'Gateway' },
    ...(isByHand && { byHand: true }),
    ...given({ clientCertificate, infrastructure, addresses: some(addresses), problems: some(own.problems) }),
    // For listeners of ListenerSets; its own have them already.
    ...(allowedSets && { allowedSets, frontend, ...given({ options }) }),
  };
  return [{ kind: 'policy', of: 'gateways', policy: gateway, createdAt: creationTimestamp }];
}

/** How protocols are called here; the API's names are in capitals. */
const protocols: Readonly<Record<string, ListenerProtocol>> = Object.fromEntries(
  LISTENER_PROTOCOLS.map(each => [each.toUpperCase(), each]),
);

/** What listeners of one object share. */
export interface ListenerContext {
  readonly namespace: string;
  readonly frontend: FrontendValidation;
  readonly options: GatewayListener['options'];
  /** Of the certificates that its listeners name; see issuerKey. */
  readonly issuer: string | undefined;
}

/** One of spec.listeners; what cannot be is named and left out. */
export function readListener(
  listener: Fields,
  { namespace, frontend, options, issuer }: ListenerContext,
  report: Report,
): readonly GatewayListener[] {
  const name = required(listener, 'name', report);
  const port = listener.port('port');
  const hostname = listener.text('hostname')?.toLowerCase() || undefined;
  const written = listener.text('protocol') ?? '';
  const protocol = protocols[written];
  const tls = readTls(listener.object('tls'), namespace, report);
  const allowed = readAllowed(listener, report);
  listener.rest();
  const fail = (field: string, message: string): readonly GatewayListener[] => {
    report.fail('listener-invalid', listener.at(field), `${listener.at(field)}${message}`);
    return [];
  };
  if (name === '') return fail('name', ' is missing; the listener is not opened');
  if (port === undefined) return fail('port', ' is missing; the listener is not opened');
  if (protocol === undefined)
    return fail(
      'protocol',
      `: '${written}' is none of ${Object.keys(protocols).join(', ')}; the listener is not opened`,
    );
  const isTls = protocol === 'https' || protocol === 'tls';
  if (isTls && tls === undefined) return fail('tls', ' is missing; name a certificate in certificateRefs');
  if (protocol === 'https' && tls?.mode === 'passthrough')
    return fail('tls.mode', ': HTTPS ends TLS here; write protocol: TLS to pass it through');
  const clients = validationAt(frontend, port);
  const issued = issuer === undefined ? undefined : issuedAt(listener, tls, hostname, issuer, report);
  const ended = tls?.mode === 'terminate' ? { ...tls, ...given({ clients, issued }) } : tls;
  return [
    {
      ...{ name, port, protocol, path: listener.path, allowed },
      ...given({ hostname, options, tls: isTls ? ended : undefined }),
    },
  ];
}

/** The first certificate that the listener names is fetched for its hostname. */
function issuedAt(
  listener: Fields,
  tls: ListenerTls | undefined,
  hostname: string | undefined,
  issuer: string,
  report: Report,
): ListenerTls['issued'] {
  const secret = tls?.mode === 'terminate' ? tls.certificates[0] : undefined;
  if (secret === undefined) return undefined;
  if (hostname !== undefined) return [{ secret, names: [hostname], issuer }];
  const path = listener.at('hostname');
  report.warn(
    'certificate-unnamed',
    path,
    `${path} is missing, so that no certificate can be fetched for the listener; name a host, or take the annotation ${ISSUER_ANNOTATION} away`,
  );
  return undefined;
}

function readTls(tls: Fields | undefined, namespace: string, report: Report): ListenerTls | undefined {
  if (!tls) return undefined;
  const mode = tls.choice('mode', ['Terminate', 'Passthrough']) ?? 'Terminate';
  const certificates = tls
    .objects('certificateRefs')
    .flatMap(each => readCredentialRef(each, 'Secret', namespace, report) ?? []);
  const versions = readTlsVersions(tls, report);
  const tickets = readTickets(tls, report);
  tls.rest();
  return {
    mode: mode === 'Terminate' ? 'terminate' : 'passthrough',
    certificates,
    ...given({ ...versions, tickets }),
  };
}

/** spec.allowedListeners; nobody's unless told. */
function readAllowedSets(allowed: Fields | undefined, report: Report): Gateway['allowedSets'] {
  const namespaces = allowed?.object('namespaces');
  const from = namespaces?.choice('from', ['All', 'Same', 'Selector', 'None']) ?? 'None';
  const selector = namespaces && readSelector(namespaces, 'selector', report);
  namespaces?.rest();
  allowed?.rest();
  return { All: 'all', Same: 'same', Selector: selector, None: undefined }[from] as Gateway['allowedSets'];
}

/** spec.tls.backend. */
function readClientCertificate(
  backend: Fields | undefined,
  namespace: string,
  report: Report,
): CredentialRef | undefined {
  const ref = backend?.object('clientCertificateRef');
  backend?.rest();
  return ref && readCredentialRef(ref, 'Secret', namespace, report);
}

function readFrontend(tls: Fields | undefined, namespace: string, report: Report): FrontendValidation {
  const none: FrontendValidation = { byPort: {} };
  if (!tls) return none;
  tls.pass('backend');
  const frontend = tls.object('frontend');
  tls.rest();
  if (!frontend) return none;
  const otherwise = readValidation(frontend.object('default'), namespace, report);
  const byPort = Object.fromEntries(
    frontend.objects('perPort').map(each => {
      const port = each.port('port') ?? 0;
      const read = readValidation(each.object('tls'), namespace, report);
      each.rest();
      return [port, read ?? null] as const;
    }),
  );
  frontend.rest();
  return { byPort, ...given({ otherwise }) };
}

function readValidation(
  config: Fields | undefined,
  namespace: string,
  report: Report,
): ClientValidation | undefined {
  const validation = config?.object('validation');
  config?.rest();
  if (!validation) return undefined;
  const mode = validation.choice('mode', ['AllowValidOnly', 'AllowInsecureFallback']) ?? 'AllowValidOnly';
  const authorities = validation
    .objects('caCertificateRefs')
    .flatMap(each => readCredentialRef(each, 'ConfigMap', namespace, report) ?? []);
  validation.rest();
  return { mode: mode === 'AllowValidOnly' ? 'require' : 'insecure', authorities };
}

/** What kinds of routes are called in the API. */
const routeKinds: Readonly<Record<string, AttachedKind>> = {
  HTTPRoute: 'http',
  GRPCRoute: 'grpc',
  TLSRoute: 'tls',
  TCPRoute: 'tcp',
  UDPRoute: 'udp',
};

function readAllowed(listener: Fields, report: Report): AllowedRoutes {
  const allowed = listener.object('allowedRoutes');
  if (!allowed) return { namespaces: 'same' };
  const namespaces = allowed.object('namespaces');
  const from = namespaces?.choice('from', ['All', 'Same', 'Selector', 'None']) ?? 'Same';
  const selector = namespaces && readSelector(namespaces, 'selector', report);
  namespaces?.rest();
  const kinds = allowed.objects('kinds').flatMap(each => {
    const group = each.text('group') ?? GATEWAY_GROUP;
    const kind = routeKinds[required(each, 'kind', report)];
    each.rest();
    if (kind !== undefined && group === GATEWAY_GROUP) return [kind];
    report.warn(
      'reference-kind-invalid',
      each.path,
      `${each.path}: no routes of this kind are read; name one of ${Object.keys(routeKinds).join(', ')}`,
    );
    return [];
  });
  const isRestricted = allowed.has('kinds');
  allowed.rest();
  const nobody = {
    matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: [] }],
  } as const;
  const whose = { All: 'all', Same: 'same', Selector: selector ?? nobody, None: nobody } as const;
  return { namespaces: whose[from], ...(isRestricted && { kinds }) };
}
