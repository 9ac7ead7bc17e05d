import { type Cell, plainText, type Screen, shortTime, table } from '../table.ts';
import type { MeshStatus } from './collect.ts';
import type { ProxyState, Trouble } from './proxy-state.ts';

const head = ['NAMESPACE', 'POD', 'VERSION', 'STATUS', 'CONTROL PLANE', 'CONFIG', 'NACKS', 'CERTIFICATE'];
const wideHead = ['CONNECTED', 'PENDING', 'DESTINATIONS'];

/** The table, and below it what is wrong and what to run next. */
export function statusText({ proxies, troubles }: MeshStatus, wide: boolean, screen: Screen): string {
  if (proxies.length === 0 && troubles.length === 0)
    return 'no pod has a proxy here; label a namespace weft.dev/inject=enabled and restart its pods';
  const rows = proxies.map(proxy => [...row(proxy), ...(wide ? wideCells(proxy) : [])]);
  const shown =
    proxies.length > 0
      ? table([...head, ...(wide ? wideHead : [])], rows, screen)
      : ['no pod has a proxy here'];
  const wrong = grouped([
    ...troubles.map(trouble => ({ who: '', trouble })),
    ...proxies.flatMap(({ namespace, pod, troubles: own }) =>
      own.map(trouble => ({ who: `${namespace}/${pod}`, trouble })),
    ),
  ]);
  return [...shown, '', ...(wrong.length > 0 ? ['what is wrong:', ...wrong] : ['all is well'])].join('\n');
}

function row(proxy: ProxyState): Cell[] {
  const {
    connected,
    controlPlane,
    configurationAgeSeconds: age,
    nacks,
    certificateExpiresSeconds: expires,
  } = proxy;
  const served =
    connected === 'in-process' ? 'in process' : (controlPlane ?? (connected ? '(not told)' : '-'));
  const since = age === undefined ? '-' : age === 0 ? 'current' : `${shortTime(age)} old`;
  const left = expires === undefined ? '-' : expires > 0 ? shortTime(expires) : 'none';
  return [
    proxy.namespace,
    proxy.pod,
    proxy.version,
    statusCell(proxy),
    served,
    since,
    nacks === undefined ? '-' : nacks > 0 ? { text: String(nacks), colour: 'red' } : '0',
    left === 'none' ? { text: left, colour: 'red' } : left,
  ];
}

function statusCell({ troubles }: ProxyState): Cell {
  if (troubles.some(({ severity }) => severity === 'error')) return { text: 'error', colour: 'red' };
  return troubles.length > 0 ? { text: 'warning', colour: 'yellow' } : { text: 'ok', colour: 'green' };
}

function wideCells({ connectedForSeconds, pending, destinations }: ProxyState): Cell[] {
  const orDash = (value: number | undefined): string => (value === undefined ? '-' : String(value));
  return [
    connectedForSeconds === undefined ? '-' : shortTime(connectedForSeconds),
    orDash(pending),
    orDash(destinations),
  ];
}

/** The same words about many pods are said once. */
const namedPods = 3;

function grouped(all: readonly { readonly who: string; readonly trouble: Trouble }[]): string[] {
  const groups = new Map<string, { readonly first: Trouble; readonly who: string[] }>();
  for (const { who, trouble } of all) {
    const key = `${trouble.severity} ${trouble.message}`;
    const group = groups.get(key) ?? { first: trouble, who: [] };
    groups.set(key, { first: group.first, who: [...group.who, who] });
  }
  return [...groups.values()].flatMap(({ first, who }) => {
    const more = who.length > namedPods ? ` and ${who.length - namedPods} more` : '';
    const names = who[0] === '' ? '' : `${who.slice(0, namedPods).join(', ')}${more}: `;
    return [
      `  ${first.severity === 'error' ? '✗' : '!'} ${plainText(names + first.message)}`,
      `      next: ${first.remedy}`,
    ];
  });
}
