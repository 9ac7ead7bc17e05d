// In a pod that is meant to end, such as a Job's, the proxy ends with the app. The control plane sees the pod's status and tells.
import type { ExitWithApp } from '../config/app.ts';
import { WeftError } from '../errors/index.ts';
import type { InboundResource } from '../model/index.ts';

/** Reads `WEFT_EXIT_WITH_APP`; undefined where it is not set. Throws WeftError `bad-configuration`. */
export function readExitWithApp(value: string | undefined): ExitWithApp | undefined {
  if (value === undefined || value === '') return undefined;
  try {
    const { restartPolicy, containers } = JSON.parse(value) as Partial<ExitWithApp>;
    const known = restartPolicy === 'Never' || restartPolicy === 'OnFailure';
    if (known && Array.isArray(containers) && containers.length > 0) return { restartPolicy, containers };
  } catch {
    // Said below.
  }
  throw new WeftError(
    'bad-configuration',
    'WEFT_EXIT_WITH_APP is not {"restartPolicy":"Never"|"OnFailure","containers":[…]}; inject the pod anew',
    { source: 'config' },
  );
}

/** Whether every container of the app has ended for good: under OnFailure one that failed is started again. */
export function appHasEnded(
  { restartPolicy, containers }: ExitWithApp,
  ended: InboundResource['ended'],
): boolean {
  return containers.every(name =>
    ended?.some(
      ({ container, exitCode }) => container === name && (restartPolicy === 'Never' || exitCode === 0),
    ),
  );
}
