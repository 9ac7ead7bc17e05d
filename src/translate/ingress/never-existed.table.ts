// What people write beside the annotations of annotations.table.ts, from a survey of public manifests.

/**
 * Names that people write and that ingress-nginx never had, or has no more: who wrote them believes that they hold. With what to
 * write instead.
 */
export const NEVER_EXISTED: ReadonlyMap<string, string> = new Map([
  ['rate-limit', 'limit-rps'],
  ['rate-limit-window', 'limit-rpm for a rate per minute'],
  ['rate-limit-connections', 'limit-connections'],
  ['rate-limit-rps', 'limit-rps'],
  ['rate-limit-rpm', 'limit-rpm'],
  ['limit-burst', 'limit-burst-multiplier'],
  ['limit-req-status-code', 'the key limit-req-status-code of the ConfigMap'],
  ['limit-status-code', 'the key limit-req-status-code of the ConfigMap'],
  ['client-max-body-size', 'proxy-body-size'],
  ['client_max_body_size', 'proxy-body-size'],
  ['proxy-write-timeout', 'proxy-send-timeout'],
  ['session-cookie-hash', 'nothing: it was removed, cookies are opaque'],
  ['canary-by-weight', 'canary-weight'],
  ['secure-backends', 'backend-protocol: HTTPS'],
  ['grpc-backend', 'backend-protocol: GRPC'],
  ['add-base-url', 'nothing: it was removed'],
  ['base-url-scheme', 'nothing: it was removed'],
  ['global-rate-limit', 'limit-rps: it was removed in 1.10'],
  ['global-rate-limit-window', 'limit-rpm: it was removed in 1.10'],
  ['global-rate-limit-key', 'limit-rps: it was removed in 1.10'],
  ['global-rate-limit-ignored-cidrs', 'limit-allowlist: it was removed in 1.10'],
  ['enable-opentracing', 'enable-opentelemetry: it was removed in 1.10'],
  ['enable-influxdb', 'nothing: it was removed'],
  ['websocket-services', 'nothing: WebSockets need no setting'],
  ['http-redirect', 'ssl-redirect'],
  ['hsts', 'the key hsts of the ConfigMap'],
  ['proxy-timeout', 'proxy-read-timeout'],
  ['timeout', 'proxy-read-timeout'],
  ['ip-whitelist', 'whitelist-source-range'],
  ['basic-auth', 'auth-type: basic, auth-secret'],
]);
