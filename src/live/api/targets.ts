import { errorMessage } from '../../errors/index.ts';
import { addressKey, type LabelTest, labelSelector, type Mesh, type Workload } from '../../model/index.ts';

/** Kinds of owners by the words that kubectl knows. */
const ownerWords: Readonly<Record<string, string>> = {
  deploy: 'Deployment',
  deployment: 'Deployment',
  sts: 'StatefulSet',
  statefulset: 'StatefulSet',
  ds: 'DaemonSet',
  daemonset: 'DaemonSet',
  job: 'Job',
  cj: 'CronJob',
  cronjob: 'CronJob',
};

/** What a query names pods by. '' or nothing for all. */
export interface PodsWanted {
  readonly namespace?: string;
  readonly target?: string;
  /** Of labels, as kubectl's -l has it. */
  readonly selector?: string;
}

type WorkloadTest = (workload: Workload, mesh: Mesh) => boolean;

/**
 * Which pods are meant; `target`: `pod/NAME`, `svc/NAME`, `deploy/NAME` and the like, NAME of a workload,
 * '' for all. Asked of the mesh as it is at each moment, so that pods that come later are found. Text: what is wrong.
 */
export function podsMeant(
  mesh: () => Mesh | undefined,
  { namespace = '', target = '', selector = '' }: PodsWanted,
): ((pod: string) => boolean) | string {
  const test = readTarget(target);
  const fits = readSelector(selector);
  if (typeof test === 'string') return test;
  if (typeof fits === 'string') return fits;
  return pod => {
    const now = mesh();
    const workload = now?.workloads.get(pod);
    if (!now || !workload || (namespace !== '' && workload.namespace !== namespace)) return false;
    return fits(workload.labels) && test(workload, now);
  };
}

function readTarget(target: string): WorkloadTest | string {
  if (target === '') return () => true;
  const [kind, name, ...rest] = target.includes('/') ? target.split('/') : ['', target];
  if (!name || rest.length > 0) return unreadable(target);
  switch (kind) {
    case '':
      return ({ owner, name: pod }) => owner.name === name || pod === name;
    case 'pod':
    case 'po':
      return workload => workload.name === name;
    case 'svc':
    case 'service':
      return ({ addresses, namespace, network }, { servicesByEndpoint }) =>
        addresses.some(each =>
          servicesByEndpoint.get(addressKey(each, network))?.includes(`${namespace}/${name}`),
        );
    default: {
      const owner = ownerWords[kind ?? ''];
      if (owner === undefined) return unreadable(target);
      return workload => workload.owner.kind === owner && workload.owner.name === name;
    }
  }
}

function readSelector(text: string): LabelTest | string {
  try {
    return labelSelector(text);
  } catch (thrown) {
    return errorMessage(thrown);
  }
}

function unreadable(target: string): string {
  return `'${target.slice(0, 100)}' names no pods; write pod/NAME, svc/NAME, deploy/NAME, sts/NAME, ds/NAME, job/NAME, or a workload's NAME`;
}
