import type { ProxyConfig } from '../config/proxy-config.ts';
import { WeftError } from '../errors/index.ts';
import { FilesSource } from '../source/index.ts';
import { openInProcess } from './discovery-in-process.ts';
import type { Discovery, DiscoveryContext } from './proxy-discovery.ts';

/** The whole pipeline inside the proxy, over a folder of files; with an authority's folder it also signs its own certificate. */
export async function openFiles(config: ProxyConfig, context: DiscoveryContext): Promise<Discovery> {
  if (config.files === '') {
    throw new WeftError(
      'bad-configuration',
      '--discovery files needs --files with a folder of Kubernetes YAML',
      { source: 'config' },
    );
  }
  if (config.files.endsWith('.kdl'))
    return (await import('./discovery-sentinel.ts')).openSentinel(config, context);
  const source = new FilesSource({ folder: config.files, clock: context.clock });
  const certificates = config.gateway?.certificates ?? '';
  return openInProcess(config, context, { source, readFirst: true, certificates });
}
