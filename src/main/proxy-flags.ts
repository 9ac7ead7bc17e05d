// Flags that `weft-proxy run` and `weft-proxy gateway` have in common.
import type { Command } from 'commander';

/** Adds them. */
export function withProxyFlags(command: Command): Command {
  return command
    .option(
      '--kubeconfig <file>',
      "with --discovery kubernetes (default: KUBECONFIG, the pod's account, ~/.kube/config)",
    )
    .option('--context <name>', 'a context of the kubeconfig')
    .option('--control-plane <host:port>', 'the control plane (WEFT_CONTROL_PLANE)')
    .option('--control-plane-identity <spiffe>', 'who it must prove to be (WEFT_CONTROL_PLANE_IDENTITY)')
    .option('--trust-domain <name>', 'the trust domain (WEFT_TRUST_DOMAIN), default cluster.local')
    .option(
      '--cluster-domain <name>',
      'the DNS domain of Services (WEFT_CLUSTER_DOMAIN), default cluster.local',
    )
    .option(
      '--root-certificate <file>',
      'PEM of the roots to trust the control plane with (WEFT_ROOT_CERTIFICATE)',
    )
    .option('--token <file>', 'the ServiceAccount token that proves who this is (WEFT_TOKEN)')
    .option(
      '--ca-dir <folder>',
      'with --discovery files or kubernetes: sign own certificates with the authority in this folder',
    )
    .option('--state <folder>', 'where to keep the last snapshot (WEFT_STATE)')
    .option('--admin-port <port>', 'admin, on loopback, default 15000')
    .option('--health-port <port>', 'health and Prometheus, default 15020')
    .option('--listen <address>', 'one address to listen on, instead of loopback and all')
    .option(
      '--concurrency <cores>',
      'threads that carry traffic, connections spread over them (WEFT_CONCURRENCY)',
      '1',
    )
    .option(
      '--live-upgrade <how>',
      'allow: the control plane may give this proxy another program while it runs; or refuse (WEFT_LIVE_UPGRADE), default refuse',
    )
    .option('--log-level <level>', 'debug, info, warn, error or silent (WEFT_LOG_LEVEL)')
    .option('--access-log <mode>', 'off, errors or all (WEFT_ACCESS_LOG)')
    .option(
      '--request-record <size>',
      'memory for what weft explain asks about: off, or up to 64Mi (WEFT_REQUEST_RECORD), default 1Mi',
    )
    .option(
      '--max-connection-age <duration>',
      'after which clients of HTTP/2 are asked to connect anew: off, 30m, … (WEFT_MAX_CONNECTION_AGE)',
    )
    .option(
      '--max-connection-age-grace <duration>',
      'what their calls have then: off, 5m, … (WEFT_MAX_CONNECTION_AGE_GRACE)',
    )
    .option(
      '--http2-max-streams <number>',
      'requests at once on a connection of HTTP/2 that comes in: auto, 2000, … (WEFT_HTTP2_MAX_STREAMS)',
    )
    .option(
      '--http2-max-headers <size>',
      'headers of a request of HTTP/2 that comes in: auto, 128Ki, … (WEFT_HTTP2_MAX_HEADERS)',
    )
    .option(
      '--slow-requests <duration>',
      'from where on a request is slow: auto (twice the 99th percentile of its route), 500ms, … (WEFT_SLOW_REQUESTS)',
    )
    .option(
      '--dns-forward <domain=server,…>',
      'DNS servers for names in some domains: consul=10.0.0.53:8600 (WEFT_DNS_FORWARD)',
    )
    .option(
      '--trace-otlp <host:port>',
      'report spans to this OpenTelemetry collector, over HTTP, where discovery names none (WEFT_TRACE_OTLP)',
    )
    .option('--trace-zipkin <host:port>', 'the same to a Zipkin (WEFT_TRACE_ZIPKIN)')
    .option(
      '--trace-sampling <percent>',
      'of requests that belong to no trace yet, default 1 (WEFT_TRACE_SAMPLING)',
    )
    .option('--pod-name <name>', 'this workload (POD_NAME)')
    .option('--pod-namespace <name>', 'its namespace (POD_NAMESPACE)')
    .option('--pod-ips <addresses>', 'its addresses, comma-separated (POD_IPS)')
    .option('--service-account <name>', 'its ServiceAccount (SERVICE_ACCOUNT)');
}
