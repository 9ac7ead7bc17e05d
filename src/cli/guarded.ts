import { WeftError } from '../errors/index.ts';

/** An action whose WeftErrors become `error: …` on stderr and exit code 1; other errors are bugs and stay. */
export function guarded<Arguments extends unknown[]>(
  action: (...given: Arguments) => Promise<void>,
): (...given: Arguments) => Promise<void> {
  return async (...given) => {
    try {
      await action(...given);
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
      process.stderr.write(`error: ${error.message}\n`);
      process.exitCode = 1;
    }
  };
}
