import { readFile } from 'node:fs/promises';
import { errorMessage, guarded } from '../errors/index.ts';
import { isIpAddress, parseHostPort } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import type { Discover, FoundEndpoint } from './found.ts';

/** Lines `address:port [weight=N]`, with comments after `#`. A text in words where a line is none of these. */
export function endpointsOf(text: string): readonly FoundEndpoint[] | string {
  const found: FoundEndpoint[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const [address, ...more] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address === undefined || address === '') continue;
    const parsed = parseHostPort(address);
    if (parsed === undefined || !isIpAddress(parsed.host))
      return `line ${index + 1} is '${line.trim()}'; it takes an address and a port, such as 10.0.0.1:8080 weight=2`;
    const weights = more.map(each => /^weight=(\d{1,4})$/.exec(each)?.[1]);
    if (weights.length > 1 || weights.includes(undefined))
      return `line ${index + 1} has '${more.join(' ')}' after the address; it takes weight=N`;
    found.push({ address: parsed.host, port: parsed.port, weight: Number(weights[0] ?? 1) });
  }
  return found;
}

/** Endpoints of a file, read again every so often: files of ConfigMaps are replaced in ways that cannot be watched. */
export function discoverFile(
  clock: Clock,
  { path, refreshMs }: { readonly path: string; readonly refreshMs: number },
): Discover {
  return (listener, signal) => {
    const turn = (): void => {
      void readFile(path, 'utf8').then(
        text => {
          if (signal.aborted) return;
          const found = endpointsOf(text);
          if (typeof found === 'string') listener.failed(`${path}: ${found}`);
          else listener.found(found);
        },
        error => {
          if (!signal.aborted) listener.failed(`${path} cannot be read: ${errorMessage(error)}`);
        },
      );
    };
    const stop = clock.every(refreshMs, guarded('upstreams.file', turn));
    signal.addEventListener('abort', stop, { once: true });
    turn();
  };
}
