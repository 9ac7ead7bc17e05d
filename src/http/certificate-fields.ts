const named = (name: string): Buffer => Buffer.from(name, 'latin1');

/**
 * What upstreams of gateways are told of a client's certificate, as ingress-nginx names it. Apps take it for proof of who calls,
 * so that what clients say under these names goes nowhere.
 */
export const CERTIFICATE_FIELDS = {
  verify: named('ssl-client-verify'),
  subject: named('ssl-client-subject-dn'),
  issuer: named('ssl-client-issuer-dn'),
  certificate: named('ssl-client-cert'),
} as const;
