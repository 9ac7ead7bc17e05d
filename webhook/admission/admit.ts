// The answer to one question of the API server. Pure: everything that had to be looked up comes in.
import type { Labels, ObjectRef, Problem } from '../../src/model/index.ts';
import { CONTAINERS, inject, type NamespaceMarks, patchOf, VOLUMES } from '../inject/index.ts';
import { isMap, type PodTemplate } from '../inject/pod.ts';
import type { MeshEvent } from './events.ts';
import type { OwnerRef, WebhookSettings } from './options.ts';
import { keepDefaulted } from './reinvocation.ts';
import type { AdmissionAnswer, AdmissionRequest } from './review.ts';

/** What was looked up about the pod. */
export interface Surroundings {
  readonly namespace: NamespaceMarks | undefined;
  readonly ownerAnnotations?: Labels;
  /** What events are about; the pod itself when undefined. */
  readonly about?: OwnerRef;
}

/** The answer, and what is counted and told about it. */
export interface Admission {
  readonly outcome: 'injected' | 'skipped' | 'denied' | 'admitted' | 'foreign';
  /** The reason in one word: a SkipCode, the code of the first problem, or `injected`. */
  readonly code: string;
  readonly answer: AdmissionAnswer;
  readonly events: readonly MeshEvent[];
}

const ownNames: ReadonlySet<string> = new Set([...Object.values(CONTAINERS), ...Object.values(VOLUMES)]);

/** Skips that nobody needs to be told of: nobody asked for injection, or it is there already. */
const quietSkips = ['not-labelled', 'already-injected', 'ignored-namespace'];
/** Skips that somebody asked for. */
const wantedSkips = ['disabled'];

/** The controller that made the pod, if one did. */
export function controllerOf(object: unknown): OwnerRef | undefined {
  const owners = isMap(object) && isMap(object.metadata) ? object.metadata.ownerReferences : undefined;
  const owner = Array.isArray(owners)
    ? owners.find(each => isMap(each) && each.controller === true)
    : undefined;
  if (!isMap(owner)) return undefined;
  const { apiVersion, kind, name, uid } = owner;
  if (![apiVersion, kind, name].every(each => typeof each === 'string' && each !== '')) return undefined;
  return {
    apiVersion: String(apiVersion),
    kind: String(kind),
    name: String(name),
    ...(typeof uid === 'string' ? { uid } : {}),
  };
}

/** Whether the question is about a pod that is being created; the answer to any other is yes. */
export function isPodCreation({ kind, operation, subResource, object }: AdmissionRequest): boolean {
  return kind === 'Pod' && operation === 'CREATE' && subResource === '' && isMap(object);
}

/** The answer to a question that should not have come here. */
export function foreignAdmission({ operation, kind }: AdmissionRequest): Admission {
  const warning = `weft-injector was asked about ${operation || 'an operation'} of ${kind || 'something'}: only created pods concern it; see the rules of the webhook configuration`;
  return {
    outcome: 'foreign',
    code: 'foreign',
    answer: { allowed: true, warnings: [warning] },
    events: [],
  };
}

/** Answers for the pod of `request`, which must satisfy isPodCreation. */
export function admit(request: AdmissionRequest, around: Surroundings, settings: WebhookSettings): Admission {
  const pod = request.object as PodTemplate;
  const object = podRef(request);
  const context = {
    namespace: request.namespace,
    namespaceLabels: around.namespace?.labels,
    namespaceAnnotations: around.namespace?.annotations,
    ownerAnnotations: around.ownerAnnotations,
    object,
  };
  const result = inject(pod, context, settings.inject);
  const about = around.about ?? { apiVersion: 'v1', kind: 'Pod', name: object.name };
  const tell = (type: MeshEvent['type'], reason: string, text: string): MeshEvent[] => [
    { namespace: request.namespace, about, type, reason, message: text },
  ];
  if (result.kind === 'skipped') {
    const { code, reason } = result;
    const quiet = quietSkips.includes(code) && !result.unheard;
    const wanted = wantedSkips.includes(code);
    const events = quiet
      ? []
      : tell(wanted ? 'Normal' : 'Warning', 'WeftNotInjected', `not injected: ${reason}`);
    const warnings = quiet || wanted ? [] : [`weft: the pod is not in the mesh: ${reason}`];
    return { outcome: 'skipped', code, answer: { allowed: true, warnings }, events };
  }
  if (result.kind === 'refused') return refused(result.problems, settings, tell);
  const after = keepDefaulted(pod, result.pod, ownNames);
  const warnings = result.warnings.map(({ message }) => `weft: ${message}`);
  const events = result.warnings.flatMap(({ message }) => tell('Normal', 'WeftInjectedWithNote', message));
  return {
    outcome: 'injected',
    code: 'injected',
    answer: { allowed: true, patch: patchOf(pod, after), warnings },
    events,
  };
}

function refused(
  problems: readonly Problem[],
  { refusedPods }: WebhookSettings,
  tell: (type: MeshEvent['type'], reason: string, text: string) => MeshEvent[],
): Admission {
  const code = problems[0]?.code ?? 'refused';
  const texts = problems.map(({ message }) => message);
  const why = texts.join('; ');
  if (refusedPods === 'admit') {
    const answer = {
      allowed: true,
      warnings: texts.map(text => `weft: the pod is not in the mesh: ${text}`),
    };
    return {
      outcome: 'admitted',
      code,
      answer,
      events: tell('Warning', 'WeftNotInjected', `not injected: ${why}`),
    };
  }
  const denial = `weft cannot inject this pod: ${why}. mend it, or label the pod weft.dev/inject=disabled to run it outside the mesh`;
  return {
    outcome: 'denied',
    code,
    answer: { allowed: false, denial },
    events: tell('Warning', 'WeftInjectionRefused', denial),
  };
}

function podRef({ object, name, namespace }: AdmissionRequest): ObjectRef {
  const metadata = isMap(object) && isMap(object.metadata) ? object.metadata : {};
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
  const own = text(name) ?? text(metadata.name) ?? text(metadata.generateName)?.replace(/-$/, '');
  return { apiVersion: 'v1', kind: 'Pod', namespace, name: own ?? '(without a name)' };
}
