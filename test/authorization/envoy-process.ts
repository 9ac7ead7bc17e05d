// An Envoy of a test: on PATH or named by WEFT_ENVOY.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const envoy = process.env.WEFT_ENVOY ?? 'envoy';
/** Why tests of this kind are skipped; false where they are not. */
export const noEnvoy =
  spawnSync(envoy, ['--version']).status === 0 ? false : 'no Envoy on PATH or in WEFT_ENVOY';

/** Starts one with this bootstrap configuration, whose admin port is `admin`; resolves once it is ready, with what ends it. */
export async function startEnvoy(configuration: object, admin: number): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-envoy-'));
  const file = join(folder, 'envoy.json');
  writeFileSync(file, JSON.stringify(configuration));
  const child = spawn(envoy, ['-c', file, '--use-dynamic-base-id', '--concurrency', '1', '-l', 'warn'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stop = (): void => {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    said += data.toString();
  });
  for (;;) {
    if (child.exitCode !== null) {
      stop();
      throw new Error(`Envoy ended: ${said.slice(0, 2000)}`);
    }
    const ready = await fetch(`http://127.0.0.1:${admin}/ready`).catch(() => undefined);
    if (ready?.status === 200) return stop;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
