import { WeftError } from '../errors/index.ts';
import { formatAddress, parseHostPort, type TracingProvider, type TracingSettings } from '../model/index.ts';

/** Flags that switch tracing on for one proxy; '' where one is not given. */
export interface TracingFlags {
  /** `host:port`, or `https://host:port`, of a Zipkin, and of an OpenTelemetry collector. */
  readonly zipkin: string;
  readonly otlp: string;
  /** Percent. */
  readonly sampling: string;
}

const timeoutMs = 10_000;
const maxTagLength = 256;

/** Settings from flags; undefined when no collector is named. Throws WeftError `bad-configuration`. */
export function readTracing({ zipkin, otlp, sampling }: TracingFlags): TracingSettings | undefined {
  if (zipkin === '' && otlp === '') return undefined;
  if (zipkin !== '' && otlp !== '')
    throw bad('--trace-zipkin and --trace-otlp are both given; a proxy reports to one collector');
  const percent = Number(sampling);
  if (sampling.trim() === '' || !(percent >= 0 && percent <= 100))
    throw bad(`--trace-sampling is '${sampling}'; it takes a percentage, 0 to 100`);
  const common = { timeoutMs, maxTagLength };
  const provider: TracingProvider =
    zipkin !== ''
      ? {
          name: 'zipkin',
          kind: 'zipkin',
          ...at('--trace-zipkin', zipkin, 9411),
          path: '/api/v2/spans',
          ...common,
        }
      : {
          name: 'otlp',
          kind: 'opentelemetry',
          ...at('--trace-otlp', otlp, 4318),
          path: '/v1/traces',
          ...common,
        };
  return {
    provider,
    disabled: false,
    samplingPercent: percent,
    useRequestIdForSampling: true,
    istioTags: true,
    customTags: [],
  };
}

function at(flag: string, value: string, defaultPort: number): Pick<TracingProvider, 'address' | 'tls'> {
  const [, scheme, place = ''] = /^(?:(https?):\/\/)?(.*?)\/?$/.exec(value) ?? [];
  const parsed = parseHostPort(place, defaultPort);
  if (parsed === undefined) throw bad(`${flag} is '${value}'; it takes host:port, or https://host:port`);
  const address = formatAddress(parsed.host, parsed.port);
  return scheme === 'https' ? { address, tls: { mode: 'simple' } } : { address };
}

function bad(message: string): WeftError {
  return new WeftError('bad-configuration', message, { source: 'config' });
}
