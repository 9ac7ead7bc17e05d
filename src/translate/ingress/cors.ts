import type { CorsPolicy, TextMatch } from '../../model/index.ts';
import type { Annotations } from './annotations.ts';

const corsHeaders =
  'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization';

/** enable-cors and cors-*; undefined where it is not enabled. */
export function readCors(annotations: Annotations): CorsPolicy | undefined {
  const list = (name: string, fallback: string): readonly string[] => {
    const own = annotations.list(name);
    return own.length > 0 ? own : fallback.split(',').map(each => each.trim());
  };
  const origins = list('cors-allow-origin', '*').map(originOf);
  const policy: CorsPolicy = {
    origins,
    methods: list('cors-allow-methods', 'GET, PUT, POST, DELETE, PATCH, OPTIONS'),
    headers: list('cors-allow-headers', corsHeaders),
    exposeHeaders: annotations.list('cors-expose-headers'),
    maxAgeSeconds: (annotations.secondsMs('cors-max-age') ?? 1_728_000_000) / 1000,
    credentials: annotations.flag('cors-allow-credentials') ?? true,
    forwardUnmatchedPreflights: false,
  };
  if (annotations.flag('enable-cors') === true) return policy;
  for (const name of [
    'cors-allow-origin',
    'cors-allow-methods',
    'cors-allow-headers',
    'cors-allow-credentials',
  ])
    if (annotations.has(name)) annotations.tell(name, "it has no effect without enable-cors: 'true'");
  return undefined;
}

/** A star stands for one label, as in ingress-nginx's buildCorsOriginRegex. */
function originOf(origin: string): TextMatch {
  if (origin === '*') return { kind: 'exact', value: '*' };
  const lower = origin.toLowerCase();
  if (!lower.includes('*')) return { kind: 'exact', value: lower, ignoreCase: true };
  const value = lower.replace(/[.+?^${}()|[\]\\/]/g, '\\$&').replaceAll('*', '[a-z0-9-]+');
  return { kind: 'regex', value, ignoreCase: true };
}
