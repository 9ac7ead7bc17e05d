import { existsSync } from 'node:fs';

/** Where Sentinel's image has its file: what a Deployment made for it mounts. */
const USUAL_FILE = '/etc/sentinel/sentinel.kdl';

/** The file of a gateway's configuration that nobody has named on the command line: SENTINEL_CONFIG, or the usual one. */
export function sentinelFile(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env.SENTINEL_CONFIG || (existsSync(USUAL_FILE) ? USUAL_FILE : undefined);
}
