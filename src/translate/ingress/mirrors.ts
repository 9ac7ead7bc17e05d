import type { RuleMirror } from '../../model/index.ts';
import type { Annotations } from './annotations.ts';
import type { SettingsContext } from './settings.ts';

/** mirror-*: copies of requests; undefined where there is no mirror-target. */
export function readMirrors(
  annotations: Annotations,
  { namespace, clusterDomain }: SettingsContext,
): readonly RuleMirror[] | undefined {
  const url = annotations.text('mirror-target');
  const named = annotations.text('mirror-host');
  const body = annotations.text('mirror-request-body') ?? 'on';
  if (url === undefined) return undefined;
  const [, host, port = '80'] =
    /^http:\/\/([a-z0-9.-]+)(?::(\d{1,5}))?(?:\/?\$request_uri|\/)?$/.exec(url) ?? [];
  if (host === undefined)
    return annotations.wrong(
      'mirror-target',
      `'${url}' is no http://HOST[:PORT]$request_uri with a host of the mesh`,
    );
  if (named !== undefined && !/^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:\d{1,5})?$/.test(named))
    return annotations.wrong('mirror-host', `'${named}' is no name of a host`);
  const full = host.includes('.') ? host : `${host}.${namespace}.svc.${clusterDomain}`;
  return [
    {
      target: { host: full.replace(/\.svc$/, `.svc.${clusterDomain}`), port: Number(port), weight: 1 },
      percent: 100,
      authority: named ?? host,
      ...(body === 'off' && { withoutBody: true }),
    },
  ];
}
