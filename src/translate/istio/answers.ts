import type { Redirect, Respond } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';

const redirectStatuses = [301, 302, 303, 307, 308];

/**
 * Istio's HTTPRedirect. `prefix`: what takes the place of what the match's path matched; as in a rewrite, it depends on the
 * match.
 */
export function readRedirect(redirect: Fields, report: Report): { redirect: Redirect; prefix?: string } {
  const uri = redirect.text('uri');
  const prefix = redirect.text('prefixRewrite') || undefined;
  const authority = redirect.text('authority');
  const scheme = redirect.text('scheme');
  const port = redirect.port('port');
  const derive = redirect.choice('derivePort', ['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']);
  const status = redirect.number('redirectCode') || 301;
  redirect.rest();
  if (!redirectStatuses.includes(status)) {
    const path = redirect.at('redirectCode');
    report.error('field-invalid', path, `${path} must be one of ${redirectStatuses.join(', ')}`);
  }
  if (scheme && !/^[a-z][a-z0-9+.-]*$/i.test(scheme)) {
    const path = redirect.at('scheme');
    report.error('field-invalid', path, `${path}: '${scheme}' is no scheme; write http or https`);
  }
  if (uri && prefix !== undefined)
    report.error(
      'field-invalid',
      redirect.path,
      `${redirect.path} has uri and prefixRewrite; keep one of them`,
    );
  if (port !== undefined && derive !== undefined)
    report.error(
      'field-invalid',
      redirect.path,
      `${redirect.path} has port and derivePort; keep one of them`,
    );
  const said: Redirect = {
    kind: 'redirect',
    status,
    ...given({
      scheme: scheme || undefined,
      authority: authority || undefined,
      port,
      fromRequestPort: derive === 'FROM_REQUEST_PORT' || undefined,
      path: uri ? ({ kind: 'full', value: uri } as const) : undefined,
    }),
  };
  return { redirect: said, ...given({ prefix }) };
}

/** Istio's HTTPDirectResponse. */
export function readDirectResponse(response: Fields, report: Report): Respond {
  const status = response.number('status', { min: 200, max: 599 });
  const body = response.object('body');
  const text = body?.text('string');
  const bytes = body?.text('bytes');
  body?.rest();
  response.rest();
  if (status === undefined && !response.has('status')) {
    const path = response.at('status');
    report.error('field-invalid', path, `${path} is missing; say which status to answer with`);
  }
  const decoded = bytes === undefined ? undefined : decode(bytes);
  if (bytes !== undefined && decoded === undefined) {
    const path = body!.at('bytes');
    report.error('field-invalid', path, `${path} is no base64 of UTF-8 text; only text can be answered`);
  }
  const content = text ?? decoded ?? '';
  return {
    kind: 'respond',
    status: status ?? 200,
    body: content,
    contentType: content === '' ? '' : 'text/plain',
  };
}

function decode(base64: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64), char => char.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
