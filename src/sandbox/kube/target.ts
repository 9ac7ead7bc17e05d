// How users name what a command is about: one grammar for exec, logs, restart, scale, delete, forward and trigger, as kubectl has
// one.
//
//   NAME   KIND/NAME   NAMESPACE/NAME   KIND/NAMESPACE/NAME       and -n NAMESPACE for the first two

/** Kinds that can be named, by the words that kubectl knows. */
const kindWords = {
  pod: 'Pod',
  pods: 'Pod',
  po: 'Pod',
  svc: 'Service',
  service: 'Service',
  services: 'Service',
  deploy: 'Deployment',
  deployment: 'Deployment',
  deployments: 'Deployment',
  sts: 'StatefulSet',
  statefulset: 'StatefulSet',
  statefulsets: 'StatefulSet',
  ds: 'DaemonSet',
  daemonset: 'DaemonSet',
  daemonsets: 'DaemonSet',
  job: 'Job',
  jobs: 'Job',
  cj: 'CronJob',
  cronjob: 'CronJob',
  cronjobs: 'CronJob',
} as const;

/** A kind that a target can be of. */
export type TargetKind = (typeof kindWords)[keyof typeof kindWords];

/** What a target's text says; what it leaves open is for those that there are to settle. */
export interface Target {
  readonly kind?: TargetKind;
  readonly namespace?: string;
  readonly name: string;
}

/** Something that a target can mean. */
export interface Named {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Why it cannot be said what is meant, with what to write instead. */
export interface TargetProblem {
  readonly problem: string;
}

const grammar = 'write NAME, KIND/NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME';

/** Reads a target (pure). */
export function parseTarget(text: string): Target | TargetProblem {
  const parts = text.split('/');
  if (parts.length > 3 || parts.includes('')) return { problem: `'${text}' names nothing; ${grammar}` };
  const name = parts.at(-1)!;
  if (parts.length === 1) return { name };
  const kind = kindWords[parts[0]!.toLowerCase() as keyof typeof kindWords] as TargetKind | undefined;
  if (parts.length === 3) {
    if (kind === undefined) return { problem: `'${text}': there is no kind ${parts[0]}; ${kindsText}` };
    return { kind, namespace: parts[1]!, name };
  }
  return kind === undefined ? { namespace: parts[0]!, name } : { kind, name };
}

const kindsText = 'kinds are pod, svc, deploy, sts, ds, job and cronjob';

/** The text with the namespace of `-n` in it (pure). A text that names another namespace itself is refused. */
export function inNamespace(text: string, namespace: string | undefined): string | TargetProblem {
  const target = parseTarget(text);
  if (namespace === undefined || 'problem' in target) return 'problem' in target ? target : text;
  if (target.namespace !== undefined && target.namespace !== namespace) {
    return {
      problem: `'${text}' is in namespace ${target.namespace}, and -n says ${namespace}; leave one of them out`,
    };
  }
  return [...(target.kind ? [target.kind.toLowerCase()] : []), namespace, target.name].join('/');
}

/**
 * The one of `candidates` that is meant (pure). Never a guess: where several are, the problem names them; where none is, it names
 * those that are spelt alike.
 */
export function chooseNamed<T extends Named>(
  text: string,
  candidates: readonly T[],
  kinds: readonly TargetKind[],
): T | TargetProblem {
  const target = parseTarget(text);
  if ('problem' in target) return target;
  if (target.kind !== undefined && !kinds.includes(target.kind))
    return { problem: `'${text}' is a ${target.kind}; this takes ${listWords(kinds)}` };
  const found = candidates.filter(
    one =>
      one.name === target.name &&
      (target.namespace === undefined || one.namespace === target.namespace) &&
      (target.kind === undefined
        ? (kinds as readonly string[]).includes(one.kind)
        : one.kind === target.kind),
  );
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    const all = found.map(fullName).join(', ');
    return { problem: `${text} can be ${all}; name it in full, or its namespace with -n` };
  }
  const what = target.kind ?? listWords(kinds);
  const where = target.namespace === undefined ? '' : ` in namespace ${target.namespace}`;
  const alike = spelledAlike(target.name, candidates);
  const remedy = alike.length > 0 ? `did you mean ${alike.join(' or ')}?` : 'see weft sandbox status';
  return { problem: `there is no ${what} named ${target.name}${where}; ${remedy}` };
}

/** `deployment/shop/web` */
export function fullName({ kind, namespace, name }: Named): string {
  return `${kind.toLowerCase()}/${namespace}/${name}`;
}

function listWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

const shownAlike = 3;

/** Those whose name is the same in another namespace, begins alike, or is a slip or two away. */
function spelledAlike(name: string, candidates: readonly Named[]): string[] {
  const near = candidates.map(one => ({ full: fullName(one), far: distance(name, one.name) }));
  const limit = Math.max(1, Math.floor(name.length / 3));
  const chosen = near.filter(one => one.far <= limit).sort((a, b) => a.far - b.far);
  return [...new Set(chosen.map(one => one.full))].slice(0, shownAlike);
}

/** How many letters must be put in, taken out or changed (Levenshtein). */
function distance(a: string, b: string): number {
  if (b.startsWith(`${a}-`)) return 1;
  let before = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const now = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = before[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      now.push(Math.min(before[j]! + 1, now[j - 1]! + 1, change));
    }
    before = now;
  }
  return before[b.length]!;
}

/** A pod, as far as choosing one of a workload's goes. */
export interface NamedPod {
  readonly namespace: string;
  readonly name: string;
  readonly workload: string;
  readonly workloadKind: string;
  readonly ready: boolean;
  readonly terminating: boolean;
}

/** Kinds that stand for one of their pods. */
const podKinds: readonly TargetKind[] = ['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'Job'];

/** The pod that is meant (pure): named itself, or one of the workload that is, a ready one if there is one. */
export function choosePod<T extends NamedPod>(text: string, pods: readonly T[]): T | TargetProblem {
  const groups = new Map<string, Named & { readonly pods: T[] }>();
  const join = (kind: string, namespace: string, name: string, pod: T): void => {
    const key = `${kind}/${namespace}/${name}`;
    const group = groups.get(key) ?? { kind, namespace, name, pods: [] };
    group.pods.push(pod);
    groups.set(key, group);
  };
  for (const pod of pods) {
    join('Pod', pod.namespace, pod.name, pod);
    const { workloadKind: kind, workload: name } = pod;
    if (kind !== 'Pod') join(kind, pod.namespace, name, pod);
  }
  const group = chooseNamed(text, [...groups.values()], podKinds);
  if ('problem' in group) return group;
  const alive = group.pods.filter(pod => !pod.terminating);
  return alive.find(pod => pod.ready) ?? alive[0] ?? group.pods[0]!;
}
