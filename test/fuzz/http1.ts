// make fuzz: the HTTP/1 codec against llhttp, against itself in pieces, and against crashes.
//   node test/fuzz/http1.ts [--cases 1200000] [--seed N] [--findings 5]
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { corpusFolder, seeds } from './corpus.ts';
import { asTest, type Finding, fuzz } from './run.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1200000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    findings: { type: 'string', default: '5' },
  },
});
const cases = Number(values.cases);
const seed = Number(values.seed);
const maxFindings = Number(values.findings);
if (![cases, seed, maxFindings].every(Number.isSafeInteger)) {
  console.error('--cases, --seed and --findings take whole numbers');
  process.exit(2);
}

/** What the young generation of the heap takes is far below this, whatever the number of cases. */
const mostMegabytes = 600;
const started = performance.now();
const seconds = (): number => (performance.now() - started) / 1000;
console.log(
  `http1 fuzz: ${cases} cases, seed ${seed} (again: node test/fuzz/http1.ts --seed ${seed} --cases ${cases})`,
);
const heapBefore = process.memoryUsage().rss;
const findings = fuzz({ cases, seed, maxFindings, seeds: seeds(), onProgress });
const grown = Math.round((process.memoryUsage().rss - heapBefore) / 1024 / 1024);
for (const finding of findings) report(finding);
console.log(
  `${findings.length === 0 ? 'no disagreement' : `${findings.length} finding(s)`} in ${cases} cases, ` +
    `${seconds().toFixed(0)} s, ${Math.round(cases / seconds())} cases/s, memory +${grown} MB, seed ${seed}`,
);
if (grown > mostMegabytes) console.log(`memory grew by more than ${mostMegabytes} MB: something is kept`);
process.exitCode = findings.length === 0 && grown <= mostMegabytes ? 0 : 1;

function onProgress(done: number): void {
  if (done % 200_000 === 0) console.log(`  ${done} cases, ${Math.round(done / seconds())} cases/s`);
}

/** Prints a finding and keeps it, so that every later run tries it first. */
function report(finding: Finding): void {
  mkdirSync(corpusFolder, { recursive: true });
  const { kind, bytes, toHead } = finding.found;
  const file = new URL(`found-${seed}-${finding.number}.json`, corpusFolder);
  writeFileSync(
    file,
    `${JSON.stringify({ kind, bytes, toHead, words: finding.words.slice(0, 300) }, null, 2)}\n`,
  );
  console.log(`\ncase ${finding.number}, kept in test/fuzz/corpus:\n${asTest(finding)}\n`);
}
