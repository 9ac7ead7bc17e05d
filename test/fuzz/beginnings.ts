// make fuzz: what reads the first bytes of strangers (ClientHello, preface, discovery lines, the beginning of a connection) never
// throws, is bounded, reads the same whatever pieces it comes in, and takes nothing for opaque bytes that an HTTP server would
// read.
//   node test/fuzz/beginnings.ts [--cases 200000] [--seed N] [--findings 5]
import { parseArgs } from 'node:util';
import { fuzzBeginnings } from './beginnings/run.ts';
import { escaped } from './run.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '200000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    findings: { type: 'string', default: '5' },
  },
});
const [cases, seed, maxFindings] = [values.cases, values.seed, values.findings].map(Number) as [
  number,
  number,
  number,
];
if (![cases, seed, maxFindings].every(Number.isSafeInteger)) {
  console.error('--cases, --seed and --findings take whole numbers');
  process.exit(2);
}
const started = performance.now();
console.log(
  `beginnings fuzz: ${cases} cases, seed ${seed} (again: node test/fuzz/beginnings.ts --seed ${seed} --cases ${cases})`,
);
const findings = fuzzBeginnings({ cases, seed, maxFindings });
for (const { reader, number, words, bytes } of findings)
  console.log(`\ncase ${number} of ${reader}: ${words}\n  ${escaped(bytes.slice(0, 600))}\n`);
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(
  `${findings.length === 0 ? 'nothing found' : `${findings.length} finding(s)`} in ${cases} cases, ${seconds} s, seed ${seed}`,
);
process.exitCode = findings.length === 0 ? 0 : 1;
