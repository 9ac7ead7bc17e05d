// Pods of a sandbox, and their ports, by way of its agent.

import { SYSTEM_NAMESPACE } from '../../config/index.ts';
import { errorMessage, WeftError } from '../../errors/index.ts';
import type { FetchOptions, FetchResult, PodView } from '../../sandbox/index.ts';
import { NAMES } from '../install/names.ts';
import type { Mesh, MeshPod } from './mesh.interface.ts';

/** What of a sandbox is used here. */
export interface SandboxLike {
  readonly name: string;
  pods(): Promise<readonly PodView[]>;
  fetch(target: string, path: string, options: FetchOptions): Promise<FetchResult>;
}

/** The mesh of a sandbox. */
export function meshOfSandbox(sandbox: SandboxLike): Mesh {
  const all = async (): Promise<readonly PodView[]> => sandbox.pods();
  const named = `--name ${sandbox.name}`;
  return {
    checkCommand: `weft sandbox status ${named}`,
    logCommand: ({ namespace, name }) => `weft sandbox logs ${namespace}/${name} -c weft-proxy ${named}`,
    restartCommand: ({ namespace }) => `weft sandbox restart ${namespace}/WORKLOAD ${named}`,
    pods: async namespace =>
      (await all()).filter(pod => namespace === undefined || pod.namespace === namespace).map(podOf),
    controlPlanes: async () =>
      (await all())
        .filter(pod => pod.namespace === SYSTEM_NAMESPACE && pod.workload === NAMES.injector)
        .map(podOf),
    async read({ namespace, name }, port, path) {
      const answer = await sandbox
        .fetch(`pod/${namespace}/${name}`, path, { port })
        .catch((error: unknown) => {
          throw new WeftError('pod-unasked', errorMessage(error), { source: 'config', cause: error });
        });
      if (answer.status === 200) return answer.body;
      const words = `status ${answer.status}: ${answer.body.trim().slice(0, 200)}`;
      throw new WeftError('pod-unasked', words, { source: 'config' });
    },
  };
}

function podOf({ namespace, name, labels, phase, meshed, proxyVersion }: PodView): MeshPod {
  return { namespace, name, labels, phase, ...(meshed && { proxyVersion: proxyVersion ?? '(unknown)' }) };
}
