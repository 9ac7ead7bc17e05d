// What refused clients are answered: annotations of ours on AuthorizationPolicy, which has no field for it.
import type { DenialAnswer } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';

const STATUS = 'weft.dev/denial-status';
const BODY = 'weft.dev/denial-body';
const NAMES = 'weft.dev/denial-names-policy';

/** Longer ones belong to an app. */
const maxBodyLength = 4096;

/** What the annotations say; undefined where there is none. A wrong one changes nothing but the answer, so it is only named. */
export function readDenial({ metadata }: KubeObject, report: Report): DenialAnswer | undefined {
  const { annotations = {} } = metadata;
  const wrong = (name: string, remedy: string): undefined => {
    const path = `metadata.annotations['${name}']`;
    report.warn(
      'field-invalid',
      path,
      `${path}: '${annotations[name]!.slice(0, 60)}' has no effect; ${remedy}`,
    );
    return undefined;
  };
  const status = annotations[STATUS];
  const body = annotations[BODY];
  const names = annotations[NAMES];
  const isStatus = status !== undefined && /^[45]\d\d$/.test(status);
  const read = given({
    status: isStatus ? Number(status) : status && wrong(STATUS, 'write a status from 400 to 599'),
    body:
      body === undefined || body.length <= maxBodyLength
        ? body
        : wrong(BODY, `write at most ${maxBodyLength} characters`),
    names: names === 'true' ? (true as const) : undefined,
  });
  if (names !== undefined && names !== 'true' && names !== 'false') wrong(NAMES, 'write true or false');
  return Object.keys(read).length === 0 ? undefined : (read as DenialAnswer);
}
