import { formatFault, jsonFormatFault } from '../../log-format/index.ts';
import {
  formatAddress,
  isIpv6,
  type JsonFields,
  type LogFormat,
  type LogProvider,
  type MeshTelemetry,
  type TracingProvider,
} from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';

type Providers = Pick<MeshTelemetry, 'tracingProviders' | 'logProviders' | 'otherProviders'>;

/** OTLP over gRPC, by the custom of its ports. */
const grpcPort = 4317;

/** `extensionProviders`. One that is wrong is left out; the others hold. */
export function readProviders(config: Fields, report: Report): Providers {
  const tracingProviders: TracingProvider[] = [];
  const logProviders: LogProvider[] = [];
  const otherProviders: string[] = [];
  for (const each of config.objects('extensionProviders')) {
    const name = each.text('name') ?? '';
    const found = readProvider(name, each, report);
    if (found?.of === 'tracing') tracingProviders.push(found.provider);
    else if (found?.of === 'log') logProviders.push(found.provider);
    else if (name !== '') otherProviders.push(name);
  }
  return { tracingProviders, logProviders, otherProviders };
}

type Found =
  | { readonly of: 'tracing'; readonly provider: TracingProvider }
  | { readonly of: 'log'; readonly provider: LogProvider };

function readProvider(name: string, fields: Fields, report: Report): Found | undefined {
  const zipkin = fields.object('zipkin');
  if (zipkin) return of('tracing', readZipkin(name, zipkin, report));
  const opentelemetry = fields.object('opentelemetry');
  if (opentelemetry) return of('tracing', readOpenTelemetry(name, opentelemetry, report));
  const file = fields.object('envoyFileAccessLog');
  if (file) return of('log', readFile(name, file, report));
  const als = fields.object('envoyOtelAls');
  return als && of('log', readOtelLog(name, als, report));
}

function of(kind: 'tracing', provider: TracingProvider | undefined): Found | undefined;
function of(kind: 'log', provider: LogProvider | undefined): Found | undefined;
function of(kind: string, provider: unknown): Found | undefined {
  return provider === undefined ? undefined : ({ of: kind, provider } as Found);
}

function readZipkin(name: string, zipkin: Fields, report: Report): TracingProvider | undefined {
  const address = addressOf(zipkin, 9411, report);
  const maxTagLength = zipkin.number('maxTagLength', { min: 1 }) ?? 256;
  const path = zipkin.text('path') ?? '/api/v2/spans';
  zipkin.flag('enable64bitTraceId');
  zipkin.text('traceContextOption');
  if (address === undefined) return undefined;
  return { name, kind: 'zipkin', address, path, timeoutMs: 10_000, maxTagLength };
}

function readOpenTelemetry(name: string, fields: Fields, report: Report): TracingProvider | undefined {
  const http = fields.object('http');
  const port = fields.number('port', { min: 1, max: 65_535 });
  if (!http && (port === undefined || port === grpcPort)) return refuseGrpc(fields, '/v1/traces', report);
  const address = addressOf(fields, 4318, report);
  const maxTagLength = fields.number('maxTagLength', { min: 1 }) ?? 256;
  const read = {
    path: http?.text('path') ?? '/v1/traces',
    timeoutMs: http?.duration('timeout') ?? 10_000,
    headers: headersOf(http),
  };
  return address === undefined
    ? undefined
    : { name, kind: 'opentelemetry', address, maxTagLength, ...dropEmpty(read) };
}

function readOtelLog(name: string, fields: Fields, report: Report): LogProvider | undefined {
  const http = fields.object('http');
  const port = fields.number('port', { min: 1, max: 65_535 });
  if (!http && (port === undefined || port === grpcPort)) return refuseGrpc(fields, '/v1/logs', report);
  const address = addressOf(fields, 4318, report);
  const logName = fields.text('logName') ?? 'otel_envoy_accesslog';
  const said = fields.object('logFormat');
  const text = said?.text('text');
  const labels = readFields(said?.object('labels'));
  const fault = (text === undefined ? undefined : formatFault(text)) ?? jsonFormatFault(labels);
  if (fault !== undefined) return refuseFormat(fields, fault, report);
  if (address === undefined) return undefined;
  const collector = dropEmpty({
    address,
    path: http?.text('path') ?? '/v1/logs',
    timeoutMs: http?.duration('timeout') ?? 10_000,
    headers: headersOf(http),
  });
  return { name, kind: 'opentelemetry', collector, logName, ...given({ text }), labels };
}

function readFile(name: string, fields: Fields, report: Report): LogProvider | undefined {
  const path = fields.text('path') ?? '/dev/stdout';
  const said = fields.object('logFormat');
  const text = said?.text('text');
  const labels = readFields(said?.object('labels'));
  const fault = (text === undefined ? undefined : formatFault(text)) ?? jsonFormatFault(labels);
  if (fault !== undefined) return refuseFormat(fields, fault, report);
  const isJson = Object.keys(labels).length > 0;
  const format: LogFormat = isJson
    ? { kind: 'json', fields: labels }
    : { kind: 'text', ...(text && { text }) };
  return { name, kind: 'file', path, format };
}

function readFields(fields: Fields | undefined): JsonFields {
  const names = fields?.names() ?? [];
  return Object.fromEntries(
    names.flatMap(name => {
      const value = fields!.isObject(name) ? readFields(fields!.object(name)) : fields!.text(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function headersOf(http: Fields | undefined): readonly (readonly [string, string])[] {
  return (http?.objects('headers') ?? []).flatMap(each => {
    const name = each.text('name');
    const value = each.text('value');
    each.unsupported(
      'envName',
      'headers of collectors are not taken from the environment; write their value',
    );
    return name !== undefined && value !== undefined ? [[name, value] as const] : [];
  });
}

/** `[namespace/]host` and port. */
function addressOf(fields: Fields, fallback: number, report: Report): string | undefined {
  const service = fields.text('service')?.replace(/^[^/]*\//, '');
  const port = fields.number('port', { min: 1, max: 65_535 }) ?? fallback;
  if (service && /^[^\s/]+$/.test(service) && (!service.includes(':') || isIpv6(service)))
    return formatAddress(service, port);
  const path = fields.at('service');
  report.fail(
    'telemetry-provider-invalid',
    path,
    `${path} must be the name of a Service, such as zipkin.istio-system.svc.cluster.local; until then there is no such provider`,
  );
  return undefined;
}

function refuseGrpc(fields: Fields, path: string, report: Report): undefined {
  const at = fields.at('port');
  report.fail(
    'telemetry-provider-invalid',
    at,
    `${at}: OTLP over gRPC is not spoken; write http.path: ${path} and the collector's port for HTTP, 4318`,
  );
  return undefined;
}

function refuseFormat(fields: Fields, fault: string, report: Report): undefined {
  const path = fields.at('logFormat');
  report.fail('log-format-invalid', path, `${path}: ${fault}; until then there is no such provider`);
  return undefined;
}

function dropEmpty<T extends { readonly headers: readonly unknown[] }>(collector: T): T {
  const { headers, ...rest } = collector;
  return (headers.length === 0 ? rest : collector) as T;
}
