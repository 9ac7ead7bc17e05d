// `weft-proxy gateway --config FILE.kdl`: what of the file is for the process as a whole, and the mere test of a file.

import { availableParallelism } from 'node:os';
import type { GatewayFlags } from '../config/proxy-config.ts';
import { sentinelFile } from '../config/sentinel-file.ts';
import { formatProblem } from '../kdl/index.ts';
import type { SentinelConfiguration } from '../translate/sentinel/index.ts';

/** Which file, or folder: that of the flag, of SENTINEL_CONFIG, or the usual one where nothing else says what to serve. */
export function configOf(
  flags: GatewayFlags,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (flags.config !== undefined) return flags.config;
  const named = flags.gateway !== undefined || Boolean(env.WEFT_GATEWAY);
  return env.SENTINEL_CONFIG || (named ? undefined : sentinelFile(env));
}

/** The flags, and below them what the file says of the process. Throws the WeftError of a file with errors. */
export async function withFile(flags: GatewayFlags, file: string): Promise<GatewayFlags> {
  const { readOrThrow } = await import('./sentinel-source.ts');
  return { ...ofProcess(readOrThrow(file).configuration), ...flags, config: file };
}

function ofProcess({ system, observability }: SentinelConfiguration): Partial<GatewayFlags> {
  const { logLevel, accessLog, tracing } = observability;
  const { workerThreads } = system;
  return {
    ...(workerThreads !== undefined && { concurrency: String(workerThreads || availableParallelism()) }),
    ...(logLevel !== undefined && { logLevel }),
    ...(accessLog !== undefined && { accessLog }),
    ...(tracing?.backend === 'otlp' && { traceOtlp: tracing.endpoint }),
    ...(tracing?.backend === 'zipkin' && { traceZipkin: tracing.endpoint }),
    ...(tracing && { traceSampling: String(tracing.samplingPercent) }),
  };
}

/** Says on stdout and stderr whether the file can be used; the exit code. Throws the WeftError of one that cannot. */
export async function testFile(file: string): Promise<number> {
  const { readOrThrow } = await import('./sentinel-source.ts');
  for (const each of readOrThrow(file).problems) process.stderr.write(`${formatProblem(each)}\n`);
  process.stdout.write(`${file}: test is successful\n`);
  return 0;
}
