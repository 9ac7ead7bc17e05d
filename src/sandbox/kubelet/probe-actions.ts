import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import { errorMessage } from '../../errors/index.ts';
import type { HttpGet } from '../kube/index.ts';
import type { ProbeOutcome } from './prober.ts';

const good: ProbeOutcome = { ok: true, detail: '' };

/** GET with any status from 200 to 399 is success; redirects are not followed, certificates are not checked (as the kubelet). */
export function probeHttp(
  address: string,
  port: number,
  get: HttpGet,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/weft-sandbox', accept: '*/*' };
  for (const { name, value } of get.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const options: RequestOptions & { rejectUnauthorized?: boolean } = {
    host: get.host ?? address,
    port,
    path: get.path || '/',
    headers,
    agent: false,
  };
  const what = `GET ${get.path || '/'} on port ${port}`;
  return new Promise(resolve => {
    const answered = (response: IncomingMessage): void => {
      response.resume();
      const status = response.statusCode ?? 0;
      const ok = status >= 200 && status < 400;
      resolve(ok ? good : { ok, detail: `${what} answered ${status}` });
      request.destroy();
    };
    const request =
      get.scheme === 'HTTPS'
        ? requestHttps({ ...options, rejectUnauthorized: false }, answered)
        : requestHttp(options, answered);
    request.setTimeout(timeoutMs);
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    request.on('close', () => clearTimeout(timer));
    request.on('error', error => resolve({ ok: false, detail: `${what}: ${errorMessage(error)}` }));
    request.end();
  });
}

/** A connection that opens is success. */
export function probeTcp(address: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise(resolve => {
    const socket = connect({ host: address, port });
    const done = (outcome: ProbeOutcome): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const late = { ok: false, detail: `port ${port}: no connection within ${timeoutMs} ms` };
    const timer = setTimeout(() => done(late), timeoutMs);
    socket.on('connect', () => done(good));
    socket.on('error', error => done({ ok: false, detail: `port ${port}: ${errorMessage(error)}` }));
  });
}
