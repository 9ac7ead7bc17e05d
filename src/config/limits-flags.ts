// Flags of `weft-proxy gateway` about the Redis in which replicas count limits together.
import { WeftError } from '../errors/index.ts';
import { parseDurationMs } from '../model/index.ts';
import { ENVIRONMENT } from './names.ts';

/** As the command line gives them. */
export interface LimitsFlags {
  readonly limitsRedis?: string;
  readonly limitsRedisPassword?: string;
  readonly limitsRedisCa?: string;
  readonly limitsRedisTimeout?: string;
}

/** Where limits of clients are counted for all replicas. */
export interface LimitsRedis {
  readonly url: string;
  readonly passwordFile: string;
  readonly caFile: string;
  readonly timeoutMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Which Redis has the counts of limits. */
export function limitsOf(flags: LimitsFlags, env: Environment): { readonly limits?: LimitsRedis } {
  const url = flags.limitsRedis ?? env[ENVIRONMENT.limitsRedis] ?? '';
  if (url === '') return {};
  const bad = (message: string): WeftError =>
    new WeftError('bad-configuration', message, { source: 'config' });
  // The URL may have a password in it: it is not repeated.
  if (!/^rediss?:\/\/\S+$/.test(url) || !URL.canParse(url))
    throw bad('--limits-redis takes a URL such as redis://HOST:6379, or rediss:// for TLS');
  const text = flags.limitsRedisTimeout ?? env[ENVIRONMENT.limitsRedisTimeout] ?? '25ms';
  const timeoutMs = parseDurationMs(text) ?? 0;
  if (timeoutMs < 1 || timeoutMs > 10_000)
    throw bad(`--limits-redis-timeout is '${text}'; it takes a duration from 1ms to 10s`);
  const passwordFile = flags.limitsRedisPassword ?? env[ENVIRONMENT.limitsRedisPassword] ?? '';
  const caFile = flags.limitsRedisCa ?? env[ENVIRONMENT.limitsRedisCa] ?? '';
  return { limits: { url, passwordFile, caFile, timeoutMs } };
}
