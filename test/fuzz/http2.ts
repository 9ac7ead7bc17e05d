// make fuzz: HPACK beside a plain decoder, and connections of frames beside themselves in pieces.
//   node test/fuzz/http2.ts [--cases 1200000] [--seed N]
import { parseArgs } from 'node:util';
import { fuzzHttp2 } from './http2/run.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1200000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  },
});
const cases = Number(values.cases);
const seed = Number(values.seed);
if (![cases, seed].every(Number.isSafeInteger)) {
  console.error('--cases and --seed take whole numbers');
  process.exit(2);
}
console.log(
  `http2 fuzz: ${cases} cases, seed ${seed} (again: node test/fuzz/http2.ts --seed ${seed} --cases ${cases})`,
);
const started = performance.now();
const findings = fuzzHttp2(cases, seed, done => {
  if (done % 200_000 === 0)
    console.log(`  ${done} cases, ${Math.round((done / (performance.now() - started)) * 1000)} cases/s`);
});
for (const finding of findings) console.log(finding);
console.log(
  `${findings.length === 0 ? 'nothing wrong' : `${findings.length} finding(s)`} in ${cases} cases, ${Math.round((performance.now() - started) / 1000)} s`,
);
process.exitCode = findings.length === 0 ? 0 : 1;
