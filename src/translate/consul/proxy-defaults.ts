import type { KindTranslator } from '../dialect.ts';
import { fieldsOf } from '../fields.ts';

/** What is not there to be set, with the reason. */
const without: Readonly<Record<string, string>> = {
  mode: 'whether traffic is redirected is said at injection',
  transparentProxy: 'how traffic is redirected is said at injection',
  mutualTLSMode: 'write a PeerAuthentication for it',
  meshGateway: 'Weft knows one cluster and no mesh gateways',
  expose: 'paths are exempt from mesh TLS by ports; see weft.dev/skip-inbound-ports',
  accessLogs: 'access logs are said at the proxies, not by policies',
  envoyExtensions: 'there is no Envoy to extend',
  failoverPolicy: 'failover between services is not supported yet',
  prioritizeByLocality: 'write a DestinationRule with localityLbSetting for it',
};

/** consul.hashicorp.com ProxyDefaults: of its config only the protocol is read, which Weft finds out by itself. */
export const proxyDefaultsTranslator: KindTranslator = {
  kind: 'ProxyDefaults.consul.hashicorp.com',
  translate(object, _context, report) {
    const spec = fieldsOf(object, 'spec', report);
    const config = spec.object('config');
    const protocol = config?.text('protocol');
    if (protocol === 'tcp')
      config!.unsupported(
        'protocol',
        'what connections carry is looked at; for bytes alone set appProtocol tcp in the Service',
      );
    config?.rest();
    for (const [name, reason] of Object.entries(without)) spec.unsupported(name, reason);
    spec.rest();
    return [];
  },
};
