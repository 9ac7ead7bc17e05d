import { formatFault, jsonFormatFault } from '../../log-format/index.ts';
import type {
  JsonFields,
  LogFormat,
  LogProvider,
  MeshTelemetry,
  Redaction,
  TracingProvider,
  TracingSettings,
} from '../../model/index.ts';
import { isRecord } from '../../plain/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import { readClientTls } from '../istio/client-tls.ts';
import { readCustomTags } from '../istio/custom-tags.ts';
import type { Report } from '../report.ts';
import { readProviders } from './telemetry-providers.ts';

/** As in Istio, where `sampling` is not said: 1 %. */
export const DEFAULT_SAMPLING_PERCENT = 1;

/** What a MeshConfig says about telemetry; undefined where it says nothing. What is wrong is left out; the rest holds. */
export function readMeshTelemetry(config: Fields, report: Report): MeshTelemetry | undefined {
  const said = ['accessLogFile', 'enableTracing', 'extensionProviders', 'defaultProviders', 'redaction'];
  const proxy = config.object('defaultConfig');
  const isSaid = said.some(each => config.has(each)) || proxy?.has('tracing') === true;
  const accessLog = readAccessLog(config, report);
  const isTracing = config.flag('enableTracing') ?? true;
  const tracing = readTracing(proxy?.object('tracing'), report);
  const defaults = config.object('defaultProviders');
  const telemetry: MeshTelemetry = {
    ...readProviders(config, report),
    defaults: {
      tracing: defaults?.texts('tracing') ?? [],
      accessLogging: defaults?.texts('accessLogging') ?? [],
      metrics: defaults?.texts('metrics') ?? [],
    },
    ...given({
      accessLog,
      tracing: isTracing ? tracing.settings : undefined,
      samplingPercent: tracing.samplingPercent,
      redaction: readRedaction(config.object('redaction')),
    }),
  };
  return isSaid ? telemetry : undefined;
}

/** `accessLogFile` with its encoding and format. */
function readAccessLog(config: Fields, report: Report): LogProvider | undefined {
  const path = config.text('accessLogFile');
  const encoding = config.choice('accessLogEncoding', ['TEXT', 'JSON']) ?? 'TEXT';
  const text = config.text('accessLogFormat') ?? '';
  if (!path) return undefined;
  const format = encoding === 'TEXT' ? textFormat(text) : jsonFormat(text, config, report);
  if (format?.kind === 'text' && format.text !== undefined) {
    const fault = formatFault(format.text);
    if (fault !== undefined) return refuseFormat(config, fault, report);
  }
  return format && { name: 'accessLogFile', kind: 'file', path, format };
}

function textFormat(text: string): LogFormat {
  return { kind: 'text', ...(text !== '' && { text }) };
}

/** JSON in a text, as Istio has it. */
function jsonFormat(text: string, config: Fields, report: Report): LogFormat | undefined {
  if (text.trim() === '') return { kind: 'json' };
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (thrown) {
    return refuseFormat(
      config,
      `must be JSON where accessLogEncoding is: ${(thrown as Error).message}`,
      report,
    );
  }
  if (!isJsonFields(fields))
    return refuseFormat(config, 'must be a JSON object whose values are formats', report);
  const fault = jsonFormatFault(fields);
  return fault === undefined ? { kind: 'json', fields } : refuseFormat(config, fault, report);
}

function refuseFormat(config: Fields, fault: string, report: Report): undefined {
  const path = config.at('accessLogFormat');
  report.fail(
    'log-format-invalid',
    path,
    `${path}: ${fault}; until then there is no access log of this file`,
  );
  return undefined;
}

/** Maps of texts and maps of them. */
export function isJsonFields(value: unknown): value is JsonFields {
  if (!isRecord(value)) return false;
  return Object.values(value).every(each => typeof each === 'string' || isJsonFields(each));
}

/** `defaultConfig.tracing`: Zipkin's address and how many requests are sampled. */
function readTracing(
  tracing: Fields | undefined,
  report: Report,
): { readonly settings?: TracingSettings; readonly samplingPercent?: number } {
  if (tracing === undefined) return {};
  const zipkin = tracing.object('zipkin');
  const address = zipkin?.text('address');
  const sampling = tracing.decimal('sampling');
  const maxTagLength = tracing.number('maxPathTagLength', { min: 1 }) ?? 256;
  const tlsSettings = tracing.object('tlsSettings');
  const tls = tlsSettings && readClientTls(tlsSettings, report).tls;
  if (tls?.credential !== undefined) {
    const path = tlsSettings!.at('credentialName');
    report.error('field-not-supported', path, `${path}: spans are sent without Secrets; name files`);
  }
  const customTags = tracing.has('customTags') ? readCustomTags(tracing.object('customTags'), report) : [];
  for (const name of ['lightstep', 'datadog', 'stackdriver', 'openCensusAgent'])
    tracing.unsupported(
      name,
      'spans go to Zipkin or to OpenTelemetry; name a collector in extensionProviders',
    );
  // Istio takes 0 for unsaid (proxyConfigSamplingValue).
  const samplingPercent = sampling === undefined || sampling === 0 ? undefined : sampling;
  if (address === undefined) return given({ samplingPercent });
  const fault = /^[^\s:/]+:\d{1,5}$|^\[[0-9A-Fa-f:]+\]:\d{1,5}$/.test(address)
    ? undefined
    : 'must be name:port';
  if (fault !== undefined) {
    const path = zipkin!.at('address');
    report.fail(
      'telemetry-provider-invalid',
      path,
      `${path}: '${address}' ${fault}, such as zipkin.istio-system:9411`,
    );
    return given({ samplingPercent });
  }
  const provider: TracingProvider = {
    name: 'defaultConfig.tracing.zipkin',
    kind: 'zipkin',
    address,
    path: '/api/v2/spans',
    timeoutMs: 10_000,
    maxTagLength,
    ...given({ tls }),
  };
  const settings: TracingSettings = {
    provider,
    disabled: false,
    samplingPercent: samplingPercent ?? DEFAULT_SAMPLING_PERCENT,
    useRequestIdForSampling: true,
    istioTags: true,
    customTags,
  };
  return { settings, ...given({ samplingPercent }) };
}

/** Weft's own: what no log shows. A list that is not said keeps its default; an empty one shows everything. */
function readRedaction(redaction: Fields | undefined): Partial<Redaction> | undefined {
  if (redaction === undefined) return undefined;
  const read = {
    headers: redaction.has('headers')
      ? redaction.texts('headers').map(each => each.toLowerCase())
      : undefined,
    query: redaction.has('query') ? redaction.texts('query') : undefined,
  };
  redaction.rest();
  return given(read);
}
