import { WeftError } from '../errors/index.ts';

/** An action whose WeftErrors become `error: …` on stderr and an exit code, 1 unless told; other errors are bugs and stay. */
export function guarded<Arguments extends unknown[]>(
  action: (...given: Arguments) => Promise<void>,
  exitCode = 1,
): (...given: Arguments) => Promise<void> {
  return async (...given) => {
    try {
      await action(...given);
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
      process.stderr.write(`error: ${error.message}\n`);
      process.exitCode = exitCode;
    }
  };
}
