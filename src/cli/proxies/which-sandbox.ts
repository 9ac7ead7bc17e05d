import { WeftError } from '../../errors/index.ts';
import { Sandbox, sandboxNames } from '../../sandbox/index.ts';

/** The sandbox of --sandbox: its name, or true where the only one is meant. Throws a WeftError when there is no such. */
export function attachSandbox(name: string | true): Sandbox {
  if (name !== true) return Sandbox.attach(name);
  const names = sandboxNames();
  if (names.length === 1) return Sandbox.attach(names[0]!);
  const has =
    names.length === 0
      ? 'there is none; start one with weft sandbox up DIR'
      : `there are ${names.join(', ')}`;
  throw new WeftError('which-sandbox', `--sandbox without a name: ${has}`, { source: 'config' });
}
