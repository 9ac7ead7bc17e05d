import { errorMessage, internalError } from '../../errors/index.ts';
import type { AddressRules, EdgePolicy } from '../../model/index.ts';
import {
  type FilteredRequest,
  type Instead,
  PASS,
  type RequestFilter,
  type Verdict,
  WAIT,
} from '../filters/filter.interface.ts';
import { localReply } from '../replies/local-replies.ts';
import type { AuthQuestions } from './auth-request.ts';
import { basicStep, type Passwords } from './passwords.ts';
import { Ranges } from './ranges.ts';

/** What a step says: it lets the request pass, or answers it. */
export type Said = Instead | typeof PASS;

/** One of the ways in which a request is let in. Whoever waits must ask whether `turn` is still the request's. */
export type AccessStep = (request: FilteredRequest) => Said | Promise<Said>;

/** Who gets through: by address, by password, by what others say; all of them or any (nginx's access phase, and `satisfy`). */
export function accessFilter(
  policy: EdgePolicy,
  route: string,
  passwords: Passwords,
  questions: AuthQuestions,
): RequestFilter | undefined {
  const { addresses, basicAuth, authRequest, satisfy, from } = policy;
  const steps: AccessStep[] = [];
  if (addresses !== undefined) steps.push(addressStep(addresses, policy));
  if (basicAuth !== undefined) steps.push(basicStep(basicAuth, passwords, from));
  if (authRequest !== undefined) steps.push(questions.step(authRequest, route, from));
  if (steps.length === 0) return undefined;
  const any = satisfy === 'any' && steps.length > 1;
  return { judge: request => ask(steps, 0, any, PASS, request) };
}

/** Asks from `first` on. `refused`: what the steps before have said, where any of them would have sufficed. */
function ask(
  steps: readonly AccessStep[],
  first: number,
  any: boolean,
  refused: Said,
  request: FilteredRequest,
): Verdict {
  let worst = refused;
  for (let i = first; i < steps.length; i++) {
    const said = steps[i]!(request);
    if (said instanceof Promise) {
      wait(said, steps, i, any, worst, request);
      return WAIT;
    }
    if (any ? said === PASS : said !== PASS) return said;
    if (any) worst = worse(worst, said);
  }
  return worst;
}

/** Goes on with what a step says later. */
function wait(
  said: Promise<Said>,
  steps: readonly AccessStep[],
  at: number,
  any: boolean,
  refused: Said,
  request: FilteredRequest,
): void {
  const { turn } = request;
  const goOn = (answer: Said): void => {
    if (request.turn !== turn) return;
    if (any ? answer === PASS : answer !== PASS) {
      request.resume(turn, answer);
      return;
    }
    const next = ask(steps, at + 1, any, any ? worse(refused, answer) : PASS, request);
    if (next !== WAIT) request.resume(turn, next);
  };
  said.then(goOn).catch((thrown: unknown) => {
    internalError('edge-access', thrown);
    if (request.turn === turn) request.resume(turn, broken(request, errorMessage(thrown)));
  });
}

/** Of two refusals: to be asked who one is goes before all (ngx_http_core_access_phase). */
function worse(before: Said, now: Said): Said {
  return before !== PASS && before.reply.status === 401 ? before : now;
}

function broken({ localFields: fields }: FilteredRequest, why: string): Instead {
  return {
    reply: localReply('UAEX', '', { status: 500, fields }),
    flag: 'UAEX',
    detail: `edge_access_error: ${why}`,
  };
}

function addressStep({ rules, otherwise, status = 403 }: AddressRules, { from }: EdgePolicy): AccessStep {
  const all = rules.map(({ range, allow }) => ({ allow, ranges: new Ranges([range]) }));
  return request => {
    const address = request.clientAddress;
    const allowed = all.find(({ ranges }) => ranges.has(address))?.allow ?? otherwise;
    if (allowed) return PASS;
    const reply = localReply('UAEX', '', { status, fields: request.localFields });
    return { reply, flag: 'UAEX', detail: `the address ${address} may not call`, ...(from && { from }) };
  };
}
