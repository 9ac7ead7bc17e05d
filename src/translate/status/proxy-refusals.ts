import { formatRef, type ObjectRef, type Problem, problem } from '../../model/index.ts';

/** A resource that one proxy did not take, or not all of it. */
export interface ProxyRefusal {
  /** `namespace/pod` */
  readonly pod: string;
  /** Of the resource, as `10.96.0.5:80`. */
  readonly key: string;
  /** The proxy's own words, which name the objects that it means. */
  readonly reason: string;
}

/** Pods that are named; the others are counted. */
const named = 3;

/**
 * What proxies refuse, as problems of the objects that their words name; of no object where they name none. `objects`: all that
 * may be meant. Translation tries everything first, so that only proxies of another version refuse anything.
 */
export function refusalProblems(
  refusals: readonly ProxyRefusal[],
  objects: () => Iterable<ObjectRef>,
): readonly Problem[] {
  if (refusals.length === 0) return [];
  const pods = new Map<string, Set<string>>();
  for (const { pod, reason } of refusals) pods.set(reason, (pods.get(reason) ?? new Set()).add(pod));
  const refs = [...objects()];
  return [...pods].flatMap(([reason, who]): readonly Problem[] => {
    const meant = refs.filter(ref => names(reason, ref));
    const message = words(reason, [...who].sort());
    if (meant.length === 0) return [problem('refused-by-proxies', message)];
    return meant.map(object => problem('refused-by-proxies', message, { object }));
  });
}

/** `VirtualService vs.shop`, and not the beginning of another name. */
function names(reason: string, { kind, namespace, name }: ObjectRef): boolean {
  const text = formatRef({ apiVersion: '', kind, namespace, name });
  for (let at = reason.indexOf(text); at >= 0; at = reason.indexOf(text, at + 1)) {
    const around = `${reason[at - 1] ?? ' '}${reason[at + text.length] ?? ' '}`;
    if (!/[A-Za-z0-9-]/.test(around)) return true;
  }
  return false;
}

function words(reason: string, pods: readonly string[]): string {
  const more = pods.length > named ? ` and ${pods.length - named} more` : '';
  const who = `${pods.slice(0, named).join(', ')}${more}`;
  const those =
    pods.length === 1
      ? `the proxy of ${who} does not take this and goes on with what it had`
      : `the proxies of ${who} do not take this and go on with what they had`;
  return `${those}: ${reason}; correct it, or restart pods whose proxy is of another version (weft check)`;
}
