// `weft machine status`: how a machine is in the mesh, as its own proxy says. Pure.
import { fieldAt } from '../../plain/index.ts';
import type { ProxyEnv } from './proxy-env.ts';
import { flagOf } from './proxy-env.ts';

/** What was found. */
export interface MachineFacts {
  /** `active`, `failed`, …, as systemctl says; '' where it says nothing. */
  readonly service: string;
  readonly env: ProxyEnv | undefined;
  /** GET /status of the proxy, or why there is none. */
  readonly status: { readonly body: unknown } | { readonly why: string };
  /** Whether names are asked of the proxy. */
  readonly asksProxy: boolean;
}

/** A line of the answer. */
export interface StatusLine {
  readonly what: string;
  readonly is: string;
  /** What to do; undefined where all is well. */
  readonly remedy?: string;
}

/** How the machine is, line by line. */
export function machineStatus({ service, env, status, asksProxy }: MachineFacts): readonly StatusLine[] {
  if (env === undefined)
    return [
      line('joined', 'no', 'weft machine prepare, then weft machine join; weft machine --help tells more'),
    ];
  const flag = (name: string): string => flagOf(env.proxyFlags, name) ?? '';
  const lines = [
    line(
      'joined',
      `as ${flag('--pod-namespace')}/${flag('--service-account')}, group ${flag('--workload-group')}`,
    ),
    line(
      'service',
      service || 'unknown',
      service === 'active' || service === '' ? undefined : 'journalctl -u weft-proxy says why',
    ),
  ];
  if ('why' in status) return [...lines, line('proxy', status.why, 'systemctl status weft-proxy')];
  const { body } = status;
  const connected = fieldAt(body, 'connected') === true;
  const reason = String(fieldAt(body, 'reason') ?? '');
  lines.push(
    line(
      'control plane',
      connected ? `connected to ${flag('--control-plane')}` : reason,
      connected ? undefined : `can this machine reach ${flag('--control-plane')}?`,
    ),
    certificateLine(body),
    trafficLine(env, body),
  );
  if (flag('--dns') !== '')
    lines.push(
      asksProxy
        ? line('names', `asked of the proxy at ${flag('--dns')}`)
        : line('names', 'not asked of the proxy', 'weft machine dns --write'),
    );
  return lines;
}

function certificateLine(body: unknown): StatusLine {
  const principal = fieldAt(body, 'certificate', 'principal');
  if (typeof principal === 'string') {
    const expiresInMs = Number(fieldAt(body, 'certificate', 'expiresInMs'));
    const left = Number.isFinite(expiresInMs) ? `, ${Math.round(expiresInMs / 60_000)} min left` : '';
    return line('certificate', `${principal}${left}`);
  }
  const error = fieldAt(body, 'certificate', 'lastError');
  return line('certificate', `none: ${String(error ?? 'asking')}`, 'is the token good? weft token list');
}

function trafficLine({ proxyFlags }: ProxyEnv, body: unknown): StatusLine {
  if (proxyFlags.includes('--no-redirect'))
    return line('traffic', 'of apps that name the proxy: http_proxy=http://127.0.0.1:15001');
  const state = fieldAt(body, 'redirection');
  const words = typeof state === 'string' ? state : JSON.stringify(state ?? 'unknown');
  return line('traffic', `by packet rules: ${words}`);
}

function line(what: string, is: string, remedy?: string): StatusLine {
  return { what, is, ...(remedy !== undefined && { remedy }) };
}
