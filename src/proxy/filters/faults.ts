// Failures on purpose, as a policy asks for them.
import { abortWords, type Route } from '../../model/index.ts';
import { chance } from '../../routing/index.ts';
import { localReply } from '../replies/local-replies.ts';
import { type FilterKind, type Instead, PASS } from './filter.interface.ts';

/** A share of the requests is held for a time. */
export const delays: FilterKind<{ readonly route: Route }> = {
  name: 'fault-delay',
  compile: ({ route }) => {
    const delay = route.fault?.delay;
    return (
      delay && {
        judge: request => (chance(delay.percent, request.random) ? request.resumeAfter(delay.ms) : PASS),
      }
    );
  },
};

/** A share of the requests is answered with a failure. */
export const aborts: FilterKind<{ readonly route: Route }> = {
  name: 'fault-abort',
  compile: ({ route }) => {
    const abort = route.fault?.abort;
    if (abort === undefined) return undefined;
    const { status, percent, grpcStatus, http2Error } = abort;
    const { from } = route;
    const detail = `route ${route.name} asks for ${abortWords(abort)} on ${percent} % of its requests`;
    const reply = localReply('FI', detail, { status, ...(grpcStatus !== undefined && { grpcStatus }) });
    const instead: Instead = {
      reply,
      flag: 'FI',
      detail,
      ...(from && { from }),
      ...(http2Error !== undefined && { reset: http2Error }),
    };
    return { judge: ({ random }) => (chance(percent, random) ? instead : PASS) };
  },
};
