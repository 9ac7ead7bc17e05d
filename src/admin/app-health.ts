import type { AppProbe, AppProbes } from '../config/app.ts';
import {
  type HttpAsker,
  hookHttp,
  type ProbedPod,
  probeGrpc,
  probeHttp,
  probeTcp,
} from '../probing/index.ts';
import type { Log } from '../telemetry/index.ts';
import { guardHook } from './browser-guard.ts';
import { type AdminHandler, type AdminRoutes, BREAK_OFF, text } from './http-server.ts';

/**
 * Where the app is reached: at the pod's own address, where the kubelet would go, and from the one that the packet rules let
 * through.
 */
export type AppAddress = ProbedPod;

/**
 * The app's own probes, asked from inside the pod: the kubelet calls the proxy in plaintext, also where the app takes mesh
 * TLS only. `WEFT_PROBES` says which there are; each goes to the pod's address, where the kubelet would go.
 */
export function appHealthRoutes(probes: AppProbes, app: AppAddress, log?: Log): AdminRoutes {
  const routes = Object.entries(probes).map(([path, probe]) => {
    const handler = isHook(path) ? guardHook(hookHandler(path, probe, app, log)) : probeHandler(probe, app);
    return [`GET ${path}`, handler] as const;
  });
  return Object.fromEntries(routes);
}

const isHook = (path: string): boolean => /\/(poststart|prestop)$/.test(path);

/** What the kubelet says of itself goes on to the app: apps look for `kube-probe/1.` there. */
function agentOf(userAgent: string | undefined): Pick<HttpAsker, 'userAgent'> {
  return userAgent?.startsWith('kube-') ? { userAgent } : {};
}

function probeHandler(probe: AppProbe, app: AppAddress): AdminHandler {
  let asking: Promise<string | undefined> | undefined;
  return async ({ headers }) => {
    // Everybody who asks meanwhile gets the same answer: a flood of probes does not reach the app.
    asking ??= runProbe(probe, app, headers?.['user-agent']).finally(() => {
      asking = undefined;
    });
    const failure = await asking;
    return failure === undefined ? text('ok\n') : text(`weft: the app's probe failed: ${failure}\n`, 500);
  };
}

/**
 * A hook has no time limit of its own: the kubelet waits for as long as the pod's grace period lasts, and goes when it does not
 * wait any more. It takes any answer for success, so one that got none is broken off.
 */
function hookHandler(
  path: string,
  { httpGet }: AppProbe,
  app: AppAddress,
  log: Log | undefined,
): AdminHandler {
  return async ({ headers, signal }) => {
    if (httpGet === undefined) return text('weft: hooks are HTTP requests\n', 500);
    const failure = await hookHttp(httpGet, app, {
      ...agentOf(headers?.['user-agent']),
      ...(signal && { signal }),
    });
    if (failure === undefined) return text('ok\n');
    log?.warn({ hook: path }, `a hook of the app got no answer: ${failure}`);
    return BREAK_OFF;
  };
}

/** Reads `WEFT_PROBES`; nothing where it is not set. Throws a SyntaxError when it is no JSON. */
export function readAppProbes(value: string | undefined): AppProbes {
  return value === undefined || value === '' ? {} : (JSON.parse(value) as AppProbes);
}

/** Undefined when the probe succeeds, otherwise why not. `userAgent`: the kubelet's. */
export function runProbe(probe: AppProbe, app: AppAddress, userAgent?: string): Promise<string | undefined> {
  const asker = { timeoutMs: (probe.timeoutSeconds ?? 1) * 1000, ...agentOf(userAgent) };
  if (probe.httpGet) return probeHttp(probe.httpGet, app, asker);
  if (probe.tcpSocket) return probeTcp(probe.tcpSocket.port, app, asker.timeoutMs);
  if (probe.grpc) return probeGrpc(probe.grpc, app, asker);
  return Promise.resolve('it is of a kind that this version does not know');
}
