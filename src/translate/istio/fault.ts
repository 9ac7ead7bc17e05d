import { httpStatusOf, statusNamed } from '../../grpc/index.ts';
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
  const grpcStatus = readNamed(abort, 'grpcStatus', statusNamed, 'UNAVAILABLE', report);
  const http2Error = readNamed(abort, 'http2Error', http2ErrorNamed, 'REFUSED_STREAM', report);
  abort.rest();
  const said = ['httpStatus', 'grpcStatus', 'http2Error'].filter(name => abort.has(name));
  if (said.length === 0)
    report.error('field-invalid', abort.path, `${abort.path}.httpStatus is missing; say which answer`);
  if (said.length > 1) {
    const message = `${abort.path} has ${said.join(' and ')}; one of them is all that a request can get`;
    report.error('field-invalid', abort.path, message);
    return undefined;
  }
  if (!percent) return undefined;
  if (status !== undefined) return { status, percent };
  if (grpcStatus !== undefined) return { status: httpStatusOf(grpcStatus), grpcStatus, percent };
  return http2Error === undefined ? undefined : { status: 503, http2Error, percent };
}

/** A field that names a number; `example`: one of its names. */
function readNamed(
  owner: Fields,
  name: string,
  numberOf: (text: string) => number | undefined,
  example: string,
  report: Report,
): number | undefined {
  const text = owner.text(name);
  if (text === undefined) return undefined;
  const found = numberOf(text);
  if (found === undefined) {
    const path = owner.at(name);
    report.error(
      'field-invalid',
      path,
      `${path}: '${text}' is no name that is known; write one like ${example}`,
    );
  }
  return found;
}

/** RFC 9113 section 7, in their order. */
const http2Errors = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

function http2ErrorNamed(name: string): number | undefined {
  const index = http2Errors.indexOf(name.trim().toUpperCase());
  return index < 0 ? undefined : index;
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
