// Collectors for tests: Zipkin and Jaeger as they are, on ports of their own, and one of the test's that keeps what it gets.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../src/wire/testing/ports.ts';

/** A span as a collector gives it back. */
export interface ReadSpan {
  readonly traceId: string;
  readonly id: string;
  /** '' for none. */
  readonly parent: string;
  readonly kind: 'client' | 'server';
  readonly name: string;
  readonly service: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Names of events. */
  readonly events: readonly string[];
}

/** One that takes spans and can be asked for them. */
export interface Collector {
  readonly kind: 'zipkin' | 'opentelemetry';
  readonly port: number;
  /** Spans of every trace that the service took part in. */
  spans(service: string): Promise<readonly ReadSpan[]>;
  close(): void;
}

/** Java takes its time where much else runs. */
const upLimitMs = 170_000;

async function get<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

async function up(child: ChildProcess, url: string, log: () => string): Promise<void> {
  const limit = performance.now() + upLimitMs;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return;
    if (performance.now() > limit || child.exitCode !== null)
      throw new Error(`${url} does not answer:\n${log()}`);
    await sleep(200);
  }
}

function run(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): [ChildProcess, () => string] {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', text => {
      log = (log + String(text)).slice(-10_000);
    });
  return [child, () => log];
}

interface ZipkinSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly kind: string;
  readonly name: string;
  readonly localEndpoint: { readonly serviceName: string };
  readonly tags: Record<string, string>;
  readonly annotations?: readonly { readonly value: string }[];
}

function ofZipkin({
  traceId,
  id,
  parentId,
  kind,
  name,
  localEndpoint,
  tags,
  annotations,
}: ZipkinSpan): ReadSpan {
  return {
    traceId,
    id,
    parent: parentId ?? '',
    kind: kind === 'CLIENT' ? 'client' : 'server',
    name,
    service: localEndpoint.serviceName,
    tags,
    events: (annotations ?? []).map(({ value }) => value.split(':')[0]!),
  };
}

/** Zipkin's own server; `jar` is its executable jar. */
export async function startZipkin(jar: string): Promise<Collector> {
  const [port = 0] = await freePorts(1);
  const [child, log] = run('java', ['-Xmx256m', '-jar', jar], {
    QUERY_PORT: String(port),
    STORAGE_TYPE: 'mem',
  });
  const close = (): void => void child.kill('SIGKILL');
  try {
    await up(child, `http://127.0.0.1:${port}/health`, log);
  } catch (error) {
    close();
    throw error;
  }
  return {
    kind: 'zipkin',
    port,
    spans: async service => {
      const url = `http://127.0.0.1:${port}/api/v2/traces?limit=1000&serviceName=${service}`;
      return (await get<ZipkinSpan[][]>(url)).flat().map(ofZipkin);
    },
    close,
  };
}

interface JaegerTag {
  readonly key: string;
  readonly value: unknown;
}
interface JaegerTrace {
  readonly spans: readonly {
    readonly traceID: string;
    readonly spanID: string;
    readonly operationName: string;
    readonly processID: string;
    readonly references: readonly { readonly spanID: string }[];
    readonly tags: readonly JaegerTag[];
    readonly logs: readonly { readonly fields: readonly JaegerTag[] }[];
  }[];
  readonly processes: Record<string, { readonly serviceName: string; readonly tags: readonly JaegerTag[] }>;
}

function ofJaeger({ spans, processes }: JaegerTrace): ReadSpan[] {
  return spans.map(span => {
    const { serviceName, tags: common } = processes[span.processID]!;
    const tags = Object.fromEntries([...common, ...span.tags].map(({ key, value }) => [key, String(value)]));
    return {
      traceId: span.traceID,
      id: span.spanID,
      parent: span.references[0]?.spanID ?? '',
      kind: tags['span.kind'] === 'client' ? 'client' : 'server',
      name: span.operationName,
      service: serviceName,
      tags,
      events: span.logs.map(({ fields }) => String(fields.find(({ key }) => key === 'event')?.value)),
    };
  });
}

/** Jaeger's own server, which takes OTLP. */
export async function startJaeger(program: string): Promise<Collector> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-jaeger-'));
  const [port = 0, query = 0, grpc = 0] = await freePorts(3);
  const config = join(folder, 'jaeger.yaml');
  writeFileSync(
    config,
    `service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines: { traces: { receivers: [otlp], exporters: [jaeger_storage_exporter] } }
  telemetry: { metrics: { level: none } }
extensions:
  jaeger_storage: { backends: { memory: { memory: { max_traces: 1000 } } } }
  jaeger_query:
    storage: { traces: memory }
    http: { endpoint: 127.0.0.1:${query} }
    grpc: { endpoint: 127.0.0.1:${grpc} }
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:${port} } } } }
exporters: { jaeger_storage_exporter: { trace_storage: memory } }
`,
  );
  const [child, log] = run(program, ['--config', config], {});
  const close = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await up(child, `http://127.0.0.1:${query}/api/services`, log);
  } catch (error) {
    close();
    throw error;
  }
  return {
    kind: 'opentelemetry',
    port,
    spans: async service => {
      const url = `http://127.0.0.1:${query}/api/traces?limit=1000&service=${service}`;
      return (await get<{ data: JaegerTrace[] | null }>(url)).data?.flatMap(ofJaeger) ?? [];
    },
    close,
  };
}

/** Takes Zipkin's JSON and keeps it. */
export async function startKeeper(): Promise<Collector> {
  const kept: ReadSpan[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    kept.push(...(JSON.parse(text) as ZipkinSpan[]).map(ofZipkin));
    response.writeHead(202).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    kind: 'zipkin',
    port: (server.address() as AddressInfo).port,
    spans: async service => {
      const traces = new Set(kept.filter(span => span.service === service).map(({ traceId }) => traceId));
      return kept.filter(({ traceId }) => traces.has(traceId));
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
