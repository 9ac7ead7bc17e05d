// What broke while a request or its answer was under way.
import type { RequestRecord } from '../../model/index.ts';
import { type CauseRow, withObject } from '../cause.ts';
import { calleeOf, logsOf, who } from './record.ts';

/** Flags DPE, UPE, UR, UC, DC and LR. In this order; the first that fits decides. */
export const STREAM_CAUSES: readonly CauseRow<RequestRecord>[] = [
  {
    code: 'bad-path',
    when: ({ record }) => record.flag === 'DPE' && /%00/.test(record.detail),
    cause: told => ({
      words: told.record.detail,
      ...withObject(told.record.direction === 'outbound' ? who(told) : undefined),
      remedy: 'let the client not send %00 in paths',
      commands: [],
    }),
  },
  {
    code: 'malformed',
    when: ({ record }) => record.flag === 'DPE',
    cause: told => ({
      words: `the client broke HTTP in the middle of its request: ${told.record.detail}`,
      ...withObject(told.record.direction === 'outbound' ? who(told) : undefined),
      remedy: 'mend the client; docs/http1.md has what is refused and why',
      commands: [],
    }),
  },
  {
    code: 'answer-malformed',
    when: ({ record }) => record.flag === 'UPE',
    cause: (told, tools) => ({
      words: `what the upstream answered is no HTTP that may be passed on: ${told.record.detail}`,
      ...withObject(calleeOf(told)),
      remedy: 'mend what the app answers; docs/http1.md has what is refused and why',
      commands: logsOf(told, tools),
    }),
  },
  {
    code: 'reset-in-answer',
    when: ({ record }) =>
      (record.flag === 'UR' || record.flag === 'UC') && record.answeredAfterMs !== undefined,
    cause: (told, tools) => ({
      words: `the connection broke in the middle of the answer, after ${told.record.sentBytes} bytes of it: ${told.record.detail}`,
      ...withObject(calleeOf(told)),
      remedy: 'see whether the app crashed or was stopped while it answered',
      commands: logsOf(told, tools),
    }),
  },
  {
    code: 'reset-before-answer',
    when: ({ record }) => record.flag === 'UR' || record.flag === 'UC',
    cause: (told, tools) => ({
      words: `the connection broke before there was an answer: ${told.record.detail}`,
      ...withObject(calleeOf(told)),
      remedy: 'see whether the app crashed, or closes connections without an answer',
      commands: logsOf(told, tools),
    }),
  },
  {
    code: 'client-left',
    when: ({ record }) => record.flag === 'DC',
    cause: (told, tools) => ({
      words: `the client went away after ${Math.round(told.record.durationMs)} ms, ${told.record.answeredAfterMs === undefined ? 'before there was an answer' : 'in the middle of the answer'}`,
      ...withObject(told.record.direction === 'outbound' ? who(told) : undefined),
      remedy: "compare this time with the client's own timeout, and see what takes so long",
      commands: logsOf(told, tools),
    }),
  },
  {
    code: 'call-ended',
    when: ({ record }) => record.flag === 'LR' && /ends calls that go on/.test(record.detail),
    cause: told => ({
      words: `a gRPC call that still went on was ended, after ${Math.round(told.record.durationMs / 1000)} s: ${told.record.detail.replace(/;.*$/, '')}`,
      object: who(told),
      remedy: /max-connection-age/.test(told.record.detail)
        ? 'let the client call again, as it must after any UNAVAILABLE, or raise weft.dev/max-connection-age-grace of the pod'
        : 'nothing, where the client calls again, as it must after any UNAVAILABLE',
      commands: [],
    }),
  },
  {
    code: 'proxy-error',
    when: ({ record }) => record.flag === 'LR',
    cause: (told, tools) => ({
      words: `an error of the proxy of pod ${told.self.pod} itself`,
      object: who(told),
      remedy: 'this is a defect of Weft: report the stack that its log has',
      commands: [tools.proxyLog(told.self.namespace, told.self.pod)],
    }),
  },
];
