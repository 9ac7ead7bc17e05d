// Mistakes in options of limits, pools, breakers and shadows: each is told with its place, and with what was probably meant.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../kdl/index.ts';
import { readSentinel } from './index.ts';

const rest = `
listener "l" { address "0.0.0.0:80" }
route "r" { matches { path-prefix "/" }; upstream "u" }`;
const within = (block: string): string => `upstream "u" { target "h:1"; ${block} }${rest}`;

const cases: readonly (readonly [text: string, told: RegExp])[] = [
  [within('connection-pool { max-idel 3 }'), /^f:1:48: .*max-idel.*did you mean max-idle/],
  [
    within('circuit-breaker { sucess-threshold 3 }'),
    /^f:1:48: .*sucess-threshold.*did you mean success-threshold/,
  ],
  [
    within('circuit-breaker { half-open-max-requests 0 }'),
    /^f:1:71: error: half-open-max-requests is 0; it takes a whole number, from 1/,
  ],
  [
    `limits { max-heade-count 3 }\n${within('')}`,
    /^f:1:10: .*max-heade-count.*did you mean max-header-count/,
  ],
  [
    `limits { max-in-flight-requests "x" }\n${within('')}`,
    /^f:1:33: error: max-in-flight-requests is "x"; it takes a whole number/,
  ],
  [
    `listener "m" { address "0.0.0.0:81"; max-concurent-streams 3 }\n${within('')}`,
    /did you mean max-concurrent-streams/,
  ],
  [`filter "f" { type "rate-limit"; max-key 3 }\n${within('')}`, /did you mean max-keys/],
  [
    `route "s" { matches { path "/" }; upstream "u"; shadow { upstream "u"; buffer-bdy #true } }\n${within('')}`,
    /did you mean buffer-body/,
  ],
];

for (const [text, told] of cases)
  test(`a mistake is named: ${told.source}`, () => {
    const { configuration, problems } = readSentinel(text, 'f');
    const errors = problems.filter(({ severity }) => severity === 'error').map(formatProblem);
    assert.equal(configuration, undefined);
    assert.ok(
      errors.some(each => told.test(each)),
      errors.join('\n'),
    );
  });
