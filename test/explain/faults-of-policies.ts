// What a policy, the registry or the control plane decides.
import { TestIssuer } from '../../src/authentication/testing/issuer.ts';
import {
  DEFAULT_RETRY,
  type DestinationResource,
  type EndpointsResource,
  type WorkloadAuthorization,
} from '../../src/model/index.ts';
import { rawConnection } from '../../src/proxy/testing/clients.ts';
import { eventually } from '../../src/proxy/testing/redirected.ts';
import { resourceOf } from '../../src/proxy/testing/static-mesh.ts';
import type { Fault } from './fault.ts';
import { type FaultMesh, KEY, virtualService } from './fault-mesh.ts';

const ok = (mesh: FaultMesh): Promise<number> => mesh.app((_, response) => void response.end('ok'));

/** `api:80` as it stands, changed. */
function say(
  mesh: FaultMesh,
  change: Partial<DestinationResource>,
  endpoints: EndpointsResource['endpoints'] = [],
): void {
  const resource = { ...resourceOf({ key: KEY, endpoints: [] }), ...change };
  mesh.mesh.resources.set(KEY, [
    resource,
    ...resource.clusters.map(
      ({ name: key }): EndpointsResource => ({ kind: 'endpoints', key, endpoints, total: endpoints.length }),
    ),
  ]);
}

const commonRoute = {
  name: 'api/0',
  from: virtualService,
  timeoutMs: 0,
  idleTimeoutMs: 0,
  retry: { ...DEFAULT_RETRY, attempts: 0 },
} as const;
const forward = { kind: 'forward', clusters: [{ cluster: KEY, weight: 1 }] } as const;

const noAdmin = {
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  namespace: 'default',
  name: 'no-admin',
};

/** The callee obeys this policy from now on. */
function obey({ api }: FaultMesh, policy: WorkloadAuthorization): void {
  api.plane.apply({ ...api.plane.inboundPorts.resource!, authorization: [policy] });
}

export const policyFaults: readonly Fault[] = [
  {
    name: 'no rule of the VirtualService is for the path',
    cause: 'no-route',
    object: 'VirtualService api.default',
    command: /^weft route GET http:\/\/api:80\/ --proxy default\/web-0$/,
    words: /no rule of VirtualService api\.default \(shop\.yaml:12\) is for GET \//,
    async inject(mesh) {
      const respond = { kind: 'respond', status: 404, body: '', contentType: '' } as const;
      say(mesh, { routes: [{ ...commonRoute, name: 'no-route', action: respond }] });
      await mesh.ask();
    },
  },
  {
    name: 'a DENY policy refuses the path',
    cause: 'not-allowed',
    object: 'AuthorizationPolicy no-admin.default',
    command: /^kubectl get authorizationpolicy\.security\.istio\.io no-admin -n default -o yaml$/,
    words:
      /^spiffe:\/\/cluster\.local\/ns\/default\/sa\/web may not call GET \/admin of pod api-0: rule 0 of AuthorizationPolicy no-admin\.default refuses it$/,
    at: 'api',
    async inject(mesh) {
      mesh.serve(await ok(mesh));
      const paths = [{ of: 'path', values: [{ kind: 'prefix', value: '/admin' }] }] as const;
      obey(mesh, { action: 'deny', rules: [{ name: '0', clauses: [[paths]] }], from: noAdmin });
      await mesh.ask({ path: '/admin' });
    },
  },
  {
    name: 'no ALLOW policy allows the caller',
    cause: 'not-allowed',
    object: 'AuthorizationPolicy no-admin.default',
    command: /^kubectl get authorizationpolicy\.security\.istio\.io no-admin -n default -o yaml$/,
    words: /may not call GET \/ of pod api-0: no rule of AuthorizationPolicy no-admin\.default allows it/,
    at: 'api',
    async inject(mesh) {
      mesh.serve(await ok(mesh));
      obey(mesh, { action: 'allow', rules: [], from: noAdmin });
      await mesh.ask();
    },
  },
  {
    name: 'a token has expired',
    cause: 'token-refused',
    object: 'RequestAuthentication users.default',
    command: /^kubectl get requestauthentication\.security\.istio\.io users -n default -o yaml$/,
    words: /^its token was refused: the token has expired at 1970-01-01T00:00:01\.000Z$/,
    at: 'api',
    async inject(mesh) {
      mesh.serve(await ok(mesh));
      const issuer = new TestIssuer();
      const from = { ...noAdmin, kind: 'RequestAuthentication', name: 'users' };
      const { plane } = mesh.api;
      const tokenRules = [{ issuer: issuer.issuer, jwks: issuer.jwks, from }];
      plane.apply({ ...plane.inboundPorts.resource!, tokenRules });
      await mesh.ask({ headers: { authorization: `Bearer ${issuer.token({ exp: 1 })}` } });
    },
  },
  {
    name: 'an external authorizer is named that is nobody',
    cause: 'authorizer-refused',
    object: 'AuthorizationPolicy no-admin.default',
    command: /^kubectl get authorizationpolicy\.security\.istio\.io no-admin -n default -o yaml$/,
    words: /^no external authorizer is called opa; see extensionProviders$/,
    at: 'api',
    async inject(mesh) {
      mesh.serve(await ok(mesh));
      obey(mesh, { action: 'custom', provider: 'opa', rules: [{ name: '0', clauses: [] }], from: noAdmin });
      await mesh.ask();
    },
  },
  {
    name: 'the Service has no pods',
    cause: 'no-endpoint',
    object: 'Service api.default',
    command: /^kubectl get endpointslices -n default -l kubernetes\.io\/service-name=api$/,
    words: /no pod stands behind Service api\.default/,
    async inject(mesh) {
      mesh.serve(1, { endpoints: [] });
      await mesh.ask();
    },
  },
  {
    name: 'no pod of the Service is ready',
    cause: 'endpoints-not-ready',
    object: 'Service api.default',
    command: /^kubectl get pods -n default -o wide$/,
    words: /none of the 3 pods of Service api\.default is ready/,
    async inject(mesh) {
      mesh.serve(1, { endpoints: [], total: 3 });
      await mesh.ask();
    },
  },
  {
    name: 'a canary without pods: the subset that the rule names is not defined',
    cause: 'canary-without-pods',
    object: 'VirtualService api.default',
    command: /^kubectl get virtualservice\.networking\.istio\.io api -n default -o yaml$/,
    words: /no DestinationRule defines subset v2/,
    async inject(mesh) {
      mesh.serve(1, {
        endpoints: [],
        why: 'no DestinationRule defines subset v2',
        route: { from: virtualService },
      });
      await mesh.ask();
    },
  },
  {
    name: 'a canary without pods: the subset has none',
    cause: 'canary-without-pods',
    object: 'VirtualService api.default',
    command: /^kubectl get virtualservice\.networking\.istio\.io api/,
    words: /subset api:80\/v2 .* has no pods that are ready \(0 of 0\)/,
    async inject(mesh) {
      const [cluster] = resourceOf({ key: KEY, endpoints: [] }).clusters;
      const clusters = [{ cluster: `${KEY}/v2`, weight: 1 }];
      say(mesh, {
        routes: [{ ...commonRoute, action: { kind: 'forward', clusters } }],
        clusters: [cluster!, { ...cluster!, name: `${KEY}/v2` }],
      });
      await mesh.ask();
    },
  },
  {
    name: 'the route names what is not there',
    cause: 'cluster-missing',
    object: 'VirtualService api.default',
    command: /^weft analyze$/,
    words: /BackendRef v2 does not exist/,
    async inject(mesh) {
      const clusters = [{ cluster: KEY, weight: 1, invalid: 'BackendRef v2 does not exist' }];
      say(mesh, { routes: [{ ...commonRoute, action: { kind: 'forward', clusters } }] });
      await mesh.ask();
    },
  },
  {
    name: 'what the control plane says cannot be used',
    cause: 'configuration-unusable',
    object: 'VirtualService api.default',
    command: /^weft analyze$/,
    words: /cannot be used/,
    async inject(mesh) {
      mesh.mesh.onRefused = () => {};
      const path = { kind: 'regex', pattern: '(', substitution: '' } as const;
      const made = { ...commonRoute, action: { ...forward, path } };
      say(mesh, { routes: [made] });
      await mesh.ask();
    },
  },
  {
    name: 'the control plane is silent about the destination',
    cause: 'control-plane-silent',
    object: 'Pod web-0.default',
    command: /^weft proxy-status$/,
    words:
      /not told in time where .*api\.default\.svc:80.* cut off from the control plane \(connection refused\)/,
    note: /cut off from the control plane/,
    options: { web: { times: { idleMs: 60_000, waitMs: 30 } } },
    async inject(mesh) {
      mesh.state = {
        discovery: 'control-plane',
        connected: false,
        reason: 'connection refused',
        draining: false,
      };
      mesh.mesh.silent.add('api.default.svc:80');
      await mesh.send(
        'GET http://api.default.svc:80/ HTTP/1.1\r\nHost: api.default.svc:80\r\nConnection: close\r\n\r\n',
      );
    },
  },
  {
    name: 'the Sidecar allows no host outside of the mesh',
    cause: 'outside-refused',
    object: 'Sidecar only-mesh.default',
    command: /^kubectl get sidecar\.networking\.istio\.io only-mesh -n default -o yaml$/,
    words: /example\.com is no host of the mesh/,
    async inject(mesh) {
      const key = 'example.com:80';
      const refused =
        'Sidecar only-mesh.default lets its workloads reach only hosts that the mesh knows and that it names; add a ServiceEntry or a host';
      const unknown = {
        kind: 'destination',
        key,
        found: 'unknown',
        host: key,
        port: 80,
        protocol: 'auto',
        routes: [],
        tcp: [],
        clusters: [],
        refused,
      } as const;
      mesh.mesh.resources.set(key, [unknown]);
      await mesh.send(`GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n`);
    },
  },
  {
    name: 'a name that DNS does not know',
    cause: 'dns',
    object: 'Pod web-0.default',
    command: /^kubectl exec -n default web-0 -- getent hosts nowhere\.invalid$/,
    words: /nowhere\.invalid is no Service of the mesh and DNS says/,
    async inject(mesh) {
      await mesh.send(
        'GET http://nowhere.invalid/ HTTP/1.1\r\nHost: nowhere.invalid\r\nConnection: close\r\n\r\n',
      );
    },
  },
  {
    name: 'a loop: the app calls its own proxy',
    cause: 'loop',
    object: 'Pod web-0.default',
    command: /^kubectl get pod -n default web-0 -o yaml \| grep -n 127\.0\.0\.1:\d+$/,
    words: /circle/,
    async inject(mesh) {
      const own = `127.0.0.1:${mesh.web.plane.outboundPort}`;
      await mesh.send(`GET http://${own}/ HTTP/1.1\r\nHost: ${own}\r\nConnection: close\r\n\r\n`);
    },
  },
  {
    name: 'an address that is none',
    cause: 'bad-address',
    object: 'Pod web-0.default',
    command: /^kubectl get pod -n default web-0 -o yaml \| grep -n api:99999$/,
    words: /'api:99999' is not a host with an optional port/,
    async inject(mesh) {
      await mesh.send('GET / HTTP/1.1\r\nHost: api:99999\r\nConnection: close\r\n\r\n');
    },
  },
  {
    name: 'a rate limit of the route',
    cause: 'rate-limited',
    object: 'EnvoyFilter slow-down.default',
    command: /^kubectl get envoyfilter\.networking\.istio\.io slow-down -n default -o yaml$/,
    words: /a rate limit refused it: 1 per 60000 ms/,
    async inject(mesh) {
      const bucket = { maxTokens: 1, perFill: 1, fillIntervalMs: 60_000 };
      const from = {
        ...virtualService,
        apiVersion: 'networking.istio.io/v1alpha3',
        kind: 'EnvoyFilter',
        name: 'slow-down',
      };
      const limit = { from, bucket, matches: [], status: 429, enabledPercent: 100, enforcedPercent: 100 };
      mesh.serve(await ok(mesh), { route: { rateLimits: [limit] } });
      await mesh.ask();
      await mesh.ask();
    },
  },
  {
    name: 'a failure on purpose',
    cause: 'fault-abort',
    object: 'VirtualService api.default',
    command: /^kubectl get virtualservice\.networking\.istio\.io api/,
    words: /failed on purpose: route .* asks for 418 on 100 %/,
    async inject(mesh) {
      mesh.serve(1, { route: { from: virtualService, fault: { abort: { status: 418, percent: 100 } } } });
      await mesh.ask();
    },
  },
  {
    name: 'a delay on purpose, longer than the client waits',
    cause: 'client-left',
    object: 'Pod web-0.default',
    command: undefined,
    words: /the client went away/,
    note: /held up on purpose \(VirtualService api\.default\)/,
    async inject(mesh) {
      mesh.serve(1, { route: { from: virtualService, fault: { delay: { ms: 60_000, percent: 100 } } } });
      const raw = await rawConnection(mesh.web.plane.outboundPort);
      raw.write(`GET http://${KEY}/ HTTP/1.1\r\nHost: ${KEY}\r\n\r\n`);
      await eventually(() => mesh.web.plane.services.active === 1);
      raw.socket.resetAndDestroy();
    },
  },
  {
    name: 'the proxy is short of memory',
    cause: 'overloaded',
    object: 'Pod web-0.default',
    command: /^kubectl logs -n default web-0 -c weft-proxy$/,
    words: /the proxy of pod web-0 is short of memory/,
    async inject(mesh) {
      mesh.serve(1);
      mesh.web.plane.services.refusing = true;
      await mesh.ask();
    },
  },
];
