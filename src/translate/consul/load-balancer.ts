import type { BalancerSettings, HashSource } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

const kinds: Readonly<Record<string, BalancerSettings['kind']>> = {
  random: 'random',
  round_robin: 'round-robin',
  least_request: 'least-request',
  ring_hash: 'ring-hash',
  maglev: 'maglev',
};

/** spec.loadBalancer of a ServiceResolver; undefined where it leaves the default. */
export function readLoadBalancer(spec: Fields, report: Report): BalancerSettings | undefined {
  const balancer = spec.object('loadBalancer');
  if (!balancer) return undefined;
  const policy = balancer.choice('policy', Object.keys(kinds));
  const kind = policy === undefined ? undefined : kinds[policy];
  const hashing = kind === 'ring-hash' || kind === 'maglev';
  const ring = balancer.object('ringHashConfig');
  const least = balancer.object('leastRequestConfig');
  const size = ring?.number('minimumRingSize', { max: 8_388_608 });
  ring?.unsupported('maximumRingSize', 'rings are as large as minimumRingSize and the pods ask for');
  ring?.rest();
  const choices = least?.number('choiceCount');
  if (choices && choices !== 2) least!.unsupported('choiceCount', 'it is always the better of two');
  least?.rest();
  const hash = readHashPolicies(balancer, report);
  if (!hashing && hash.length > 0)
    balancer.unsupported('hashPolicies', 'they are for the policies ring_hash and maglev');
  if (hashing && hash.length === 0) {
    const message = `${balancer.path} does not say what to hash, so pods are chosen at random; add hashPolicies`;
    report.warn('field-not-supported', balancer.path, message);
  }
  balancer.rest();
  if (kind === undefined) return undefined;
  if (!hashing) return { kind };
  const tableSize = kind === 'ring-hash' ? size || undefined : undefined;
  return hash.length === 0 ? { kind: 'random' } : { kind, ...given({ hash: some(hash), tableSize }) };
}

/** Consul hashes all of them together, up to the first terminal one; here the first that a request has counts. */
function readHashPolicies(balancer: Fields, report: Report): readonly HashSource[] {
  const policies = balancer.objects('hashPolicies');
  return policies.flatMap((policy, index) => {
    const terminal = policy.flag('terminal') ?? false;
    const source = readSource(policy, report);
    policy.rest();
    if (!terminal && index < policies.length - 1) {
      const message = `${policy.path}: of several the first that a request has is hashed, as if it were terminal`;
      report.warn('field-not-supported', policy.path, message);
    }
    return source ?? [];
  });
}

function readSource(policy: Fields, report: Report): HashSource | undefined {
  const field = policy.choice('field', ['header', 'cookie', 'query_parameter']);
  const name = policy.text('fieldValue') || undefined;
  const cookie = policy.object('cookieConfig');
  const wrong = (message: string): undefined => {
    report.error('field-invalid', policy.path, `${policy.path} ${message}`);
  };
  if (cookie && field !== 'cookie') cookie.unsupported('ttl', 'it is for the field cookie');
  const path = cookie?.text('path') ?? '';
  const session = cookie?.flag('session') ?? false;
  const ttlMs = cookie?.duration('ttl') || undefined;
  cookie?.rest();
  if (policy.flag('sourceIP'))
    return field ? wrong('has field and sourceIP; keep one of them') : { kind: 'source-ip' };
  // A field that is none of the choices is reported already.
  if (field === undefined) return policy.has('field') ? undefined : wrong('has neither field nor sourceIP');
  if (name === undefined) return wrong(`has no fieldValue; name the ${field}`);
  if (field === 'header') return { kind: 'header', name: name.toLowerCase() };
  if (field === 'query_parameter') return { kind: 'query', name };
  if (session && ttlMs !== undefined) return wrong('has session and ttl; a session cookie has no ttl');
  const ttlSeconds = session ? 0 : ttlMs === undefined ? undefined : Math.ceil(ttlMs / 1000);
  return { kind: 'cookie', name, path, ...given({ ttlSeconds }) };
}
