import type { FaultInjection } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';
import { readPercent } from './percent.ts';

/** Istio's HTTPFaultInjection. What has no percentage happens to no request. */
export function readFault(fault: Fields, report: Report): FaultInjection | undefined {
  const delay = fault.object('delay');
  const abort = fault.object('abort');
  const found = given({
    delay: delay && readDelay(delay, report),
    abort: abort && readAbort(abort, report),
  });
  fault.rest();
  return Object.keys(found).length === 0 ? undefined : found;
}

function readDelay(delay: Fields, report: Report): FaultInjection['delay'] {
  const percent = percentOf(delay, report);
  const ms = delay.duration('fixedDelay', 1);
  delay.unsupported('exponentialDelay', 'not supported, as in Istio; use fixedDelay');
  delay.rest();
  if (ms === undefined && !delay.has('exponentialDelay') && !delay.has('fixedDelay'))
    report.error('field-invalid', delay.path, `${delay.path}.fixedDelay is missing; say how long`);
  return ms === undefined || !percent ? undefined : { ms, percent };
}

function readAbort(abort: Fields, report: Report): FaultInjection['abort'] {
  const percent = percentOf(abort, report);
  const status = abort.number('httpStatus', { min: 200, max: 599 });
  for (const name of ['grpcStatus', 'http2Error'])
    abort.unsupported(name, 'not supported before HTTP/2 is; use httpStatus');
  abort.rest();
  if (
    status === undefined &&
    !abort.has('grpcStatus') &&
    !abort.has('http2Error') &&
    !abort.has('httpStatus')
  )
    report.error('field-invalid', abort.path, `${abort.path}.httpStatus is missing; say which answer`);
  return status === undefined || !percent ? undefined : { status, percent };
}

function percentOf(owner: Fields, report: Report): number | undefined {
  const percent = readPercent(owner, 'percentage', ['percent']);
  if (!percent) {
    const path = owner.at('percentage');
    const message = `${path} is ${percent === undefined ? 'missing' : '0'}, so that no request is affected; set its value`;
    report.warn('field-not-supported', path, message);
  }
  return percent;
}
