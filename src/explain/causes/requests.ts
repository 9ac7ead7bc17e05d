// Why a request failed where its own proxy decided that it does. What another proxy or the app decided is in explain.ts.
import type { RequestRecord } from '../../model/index.ts';
import { type CauseRow, serviceOf, type Told } from '../cause.ts';
import { connectingCause } from './connecting.ts';
import { FINDING_CAUSES } from './finding.ts';
import { LIMIT_CAUSES } from './limits.ts';
import { failedTry, who } from './record.ts';
import { STREAM_CAUSES } from './streams.ts';

/** Each flag is in one table only; in a table the first that fits decides. */
export const REQUEST_CAUSES: readonly CauseRow<RequestRecord>[] = [
  ...FINDING_CAUSES,
  ...LIMIT_CAUSES,
  {
    code: 'dns',
    when: ({ record }) => record.flag === 'DF',
    cause: told => ({
      words: told.record.detail,
      object: serviceOf(told.record) ?? who(told),
      remedy: 'correct the name, or see what the DNS of the pod says of it',
      commands: [
        `kubectl exec -n ${told.self.namespace} ${told.self.pod} -- getent hosts ${told.record.authority.replace(/:\d+$/, '') || 'NAME'}`,
      ],
    }),
  },
  {
    code: 'connection',
    when: ({ record: { flag } }) => flag === 'UF' || flag === 'DF',
    cause: (told, tools) => connectingCause(connection(told), tools),
  },
  ...STREAM_CAUSES,
];

/** Who was called by the last try, and who called. */
function connection(told: Told<RequestRecord>): Parameters<typeof connectingCause>[0] {
  const { record, self } = told;
  const last = failedTry(told) ?? record.tries.at(-1);
  const inbound = record.direction === 'inbound';
  const caller = { namespace: self.namespace, pod: self.pod, workload: self.workload };
  return {
    detail: last?.detail || record.detail,
    flag: record.flag,
    caller,
    callee: inbound
      ? caller
      : { namespace: last?.namespace ?? '', pod: last?.pod ?? '', workload: last?.workload ?? '' },
    endpoint: last?.endpoint ?? record.destination?.key ?? '',
    toApp: inbound,
    service: record.cluster?.service ?? '',
  };
}
