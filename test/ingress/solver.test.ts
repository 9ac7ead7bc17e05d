// cert-manager's solver Ingresses, as its controller makes them (acmesolver, port 8089), beside a host's own Ingress that sends
// everything to https.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayRig, service } from '../../src/proxy/gateway/testing/gateway-rig.ts';
import { ask, httpServer } from '../../src/proxy/testing/clients.ts';

const token = 'LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0';
const authorization = `${token}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI`;

const own = `---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: weft, annotations: { ingressclass.kubernetes.io/is-default-class: "false" } }
spec: { controller: weft.dev/ingress-controller, parameters: { kind: Gateway, apiGroup: gateway.networking.k8s.io, name: edge, namespace: shop, scope: Namespace } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  namespace: shop
  annotations: { cert-manager.io/cluster-issuer: letsencrypt, nginx.ingress.kubernetes.io/force-ssl-redirect: "true" }
spec:
  ingressClassName: weft
  tls: [{ hosts: [www.example.com], secretName: www-tls }]
  rules:
  - host: www.example.com
    http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: app, port: { number: 80 } } } }] }
`;

/** As pkg/issuer/acme/http/ingress.go has it; older ones and those of an issuer with \`class\` have the annotation. */
function solver(pathType: string, byAnnotation: boolean): string {
  const annotations = `nginx.ingress.kubernetes.io/whitelist-source-range: "0.0.0.0/0,::/0"${byAnnotation ? ', kubernetes.io/ingress.class: weft' : ''}`;
  return `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: cm-acme-http-solver-x7k2p
  namespace: shop
  annotations: { ${annotations} }
  labels: { acme.cert-manager.io/http-domain: "1234", acme.cert-manager.io/http-token: "5678", acme.cert-manager.io/http01-solver: "true" }
spec:
  ${byAnnotation ? '' : 'ingressClassName: weft'}
  rules:
  - host: www.example.com
    http:
      paths:
      - path: /.well-known/acme-challenge/${token}
        pathType: ${pathType}
        backend: { service: { name: cm-acme-http-solver-9vjqd, port: { number: 8089 } } }
`;
}

for (const pathType of ['Exact', 'ImplementationSpecific'])
  for (const byAnnotation of [false, true])
    test(`a solver Ingress, ${pathType}, class by ${byAnnotation ? 'annotation' : 'ingressClassName'}: its token is answered, all else goes to https`, async context => {
      const app = await httpServer((_, response) => response.end('app'));
      const acme = await httpServer((request, response) => {
        const good = request.url === `/.well-known/acme-challenge/${token}`;
        response.writeHead(good ? 200 : 404).end(good ? authorization : '');
      });
      const services = [
        service('app', app.port),
        service('cm-acme-http-solver-9vjqd', acme.port).replace(
          'ports: [{ port: 80 }]',
          'ports: [{ port: 8089 }]',
        ),
      ].join('');
      const rig = new GatewayRig(`${own}${services}`);
      context.after(() => {
        rig.close();
        app.close();
        acme.close();
      });
      const get = async (path: string): Promise<readonly [number, string]> => {
        const { status, body, headers } = await ask(rig.port(80), 'www.example.com', { path });
        return [status, status === 308 ? String(headers.location) : body];
      };
      const path = `/.well-known/acme-challenge/${token}`;
      while (rig.port(80) === 0) await new Promise(setImmediate);
      assert.deepEqual(await get('/shop'), [308, 'https://www.example.com/shop']);
      rig.tell(`${own}${services}${solver(pathType, byAnnotation)}`);
      assert.deepEqual(await get(path), [200, authorization]);
      assert.deepEqual(await get('/shop'), [308, 'https://www.example.com/shop']);
      // Another token is not the solver's; it is not sent to https either, as ingress-nginx has it.
      assert.deepEqual(await get(`${path}x`), [200, 'app']);
      rig.tell(`${own}${services}`);
      assert.equal((await get('/shop'))[0], 308);
    });
