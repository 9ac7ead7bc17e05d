// A cluster whose API server is in memory, and the command itself against it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { VERSION } from '../../../config/index.ts';
import { TYPES } from '../../../kubernetes/index.ts';
import { FakeApi, type Fault } from '../../../kubernetes/testing/fake-api.ts';

const main = join(import.meta.dirname, '../../../main/weft.ts');

/** A pod; with a proxy unless told. */
export interface FakePod {
  readonly name: string;
  readonly namespace?: string;
  readonly meshed?: boolean;
  readonly phase?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A cluster: pods, what is answered at `NAME:PORT`, and as the log at `NAME/log`. */
export async function fakeCluster(
  command: string,
  t: TestContext,
  pods: readonly FakePod[],
  answers: Readonly<Record<string, Fault | (() => Fault)>>,
): Promise<{
  api: FakeApi;
  weft(...args: string[]): Promise<Result>;
  start(...args: string[]): ChildProcess;
}> {
  const api = new FakeApi();
  for (const { name, namespace = 'shop', meshed = true, phase = 'Running', labels = {} } of pods) {
    const annotations = meshed ? { 'weft.dev/status': JSON.stringify({ version: VERSION }) } : {};
    api.put(TYPES.pod, { metadata: { name, namespace, labels, annotations }, status: { phase } });
  }
  api.fault = ({ path }) => {
    const log = /\/pods\/([^/]+)\/log$/.exec(path)?.[1];
    const asked =
      log === undefined
        ? /\/pods\/([^/]+)\/proxy\/(?:stats\/prometheus|debug\/proxies)$/.exec(path)?.[1]
        : `${log}/log`;
    if (asked === undefined) return undefined;
    const answer = answers[asked] ?? {
      status: 503,
      reason: 'ServiceUnavailable',
      message: 'dial tcp: refused',
    };
    return typeof answer === 'function' ? answer() : answer;
  };
  await api.start();
  const folder = mkdtempSync(join(tmpdir(), 'weft-proxy-status-'));
  t.after(() => rmSync(folder, { recursive: true }));
  t.after(() => api.stop());
  const kubeconfig = join(folder, 'config');
  writeFileSync(kubeconfig, api.kubeConfig().exportConfig());
  const start = (...args: string[]): ChildProcess =>
    spawn(process.execPath, [main, command, ...args, '--kubeconfig', kubeconfig]);
  return { api, start, weft: (...args) => run(command, [...args, '--kubeconfig', kubeconfig]) };
}

/** What a command came to. */
export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(command: string, args: readonly string[]): Promise<Result> {
  const child = spawn(process.execPath, [main, command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>(resolve => child.on('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}
