// /etc/weft/proxy.env: what the unit starts the proxy with, and what `weft machine` reads back from it.
import { WeftError } from '../../errors/index.ts';

/** The lines of the file. */
export interface ProxyEnv {
  /** Of `weft-proxy run`, in one line. */
  readonly proxyFlags: readonly string[];
  /** Of `weft-proxy init`. */
  readonly initFlags: readonly string[];
}

/** The file as systemd's EnvironmentFile reads it. */
export function formatProxyEnv({ proxyFlags, initFlags }: ProxyEnv): string {
  const lines = [`WEFT_PROXY_FLAGS=${proxyFlags.join(' ')}`];
  if (initFlags.length > 0) lines.push(`WEFT_INIT_FLAGS=${initFlags.join(' ')}`);
  return `${lines.join('\n')}\n`;
}

/** Throws the WeftError `bad-configuration` of what has no flags of a proxy. */
export function parseProxyEnv(text: string, file: string): ProxyEnv {
  const value = (name: string): readonly string[] => {
    const line = text.split('\n').find(each => each.startsWith(`${name}=`)) ?? '';
    const flags = line.slice(name.length + 1).replace(/^(["'])(.*)\1$/, '$2');
    return flags.split(/\s+/).filter(Boolean);
  };
  const [proxyFlags, initFlags] = [value('WEFT_PROXY_FLAGS'), value('WEFT_INIT_FLAGS')];
  if (proxyFlags.length === 0)
    throw new WeftError(
      'bad-configuration',
      `${file} has no line WEFT_PROXY_FLAGS=…; weft machine prepare writes one`,
      { source: 'config' },
    );
  return { proxyFlags, initFlags };
}

/** What a flag is given, as `--dns 127.15.0.53` or `--dns=127.15.0.53`; undefined where it is not. */
export function flagOf(flags: readonly string[], name: string): string | undefined {
  const at = flags.indexOf(name);
  if (at >= 0) return flags[at + 1];
  return flags.find(each => each.startsWith(`${name}=`))?.slice(name.length + 1);
}
