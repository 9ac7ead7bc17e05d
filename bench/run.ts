// The bench: Weft and its peers through the same scenarios on this machine.
//   node bench/run.ts [--scenario hop,path] [--quick] [--rounds 5] [--peers haproxy,nginx,envoy] [--json] [--list]
//                     [--node-flags "--max-semi-space-size=8"]
// Prints tables (or the report itself with --json) and writes bench/results/latest.json. docs/performance.md explains the method.
import { bundle } from './bundle.ts';
import { ownControlGroup } from './control-group.ts';
import { readFlags } from './flags.ts';
import { commit, imageEnvironment, imageFlags, machine, pinning } from './machine.ts';
import { debian, findProxies, type MeasuredProxy, PEERS } from './peers/index.ts';
import { type Report, type ScenarioResult, table, write } from './results.ts';
import { type Scenario, scenarios } from './scenarios/index.ts';
import type { BenchSettings } from './stage.ts';
import { verdicts, verdictTable } from './targets.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    scenario: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    peers: { type: 'string', default: PEERS.join(',') },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    'node-flags': { type: 'string', default: imageFlags() },
    'profile-folder': { type: 'string', default: '' },
  },
});
const say = (text: string): void => {
  if (!values.json) console.log(text);
};

/** Commas to names; ends the program when one is none of `allowed`. */
function names(flag: string, text: string, allowed: readonly string[]): readonly string[] {
  const list = text.split(',').filter(Boolean);
  const unknown = list.find(name => !allowed.includes(name));
  if (unknown === undefined) return list;
  console.error(`bench: --${flag} has '${unknown}'; it takes ${allowed.join(', ')}`);
  process.exit(2);
}

const all = scenarios.map(scenario => scenario.name);
if (values.list) {
  for (const { name, title } of scenarios) console.log(`${name.padEnd(16)} ${title}`);
  process.exit(0);
}
const chosen = names('scenario', values.scenario ?? all.join(','), all);
const peers = names('peers', values.peers, PEERS);
const rounds = Number(values.rounds ?? (values.quick ? 3 : 5));
if (!(Number.isInteger(rounds) && rounds > 0)) {
  console.error(`bench: --rounds is '${values.rounds}'; it takes a whole number above 0`);
  process.exit(2);
}

// 1. What is needed.
const wrk = debian('wrk', 'wrk');
if ('missing' in wrk) {
  console.error(`bench: ${wrk.missing}; without it there is no load`);
  process.exit(1);
}
const here = machine();
const cpus = pinning();
const { proxies, notices } = findProxies(peers);
const group = ownControlGroup();
if (typeof group === 'string') notices.push(`the bench has no control group of its own: ${group}`);
else process.on('exit', () => group.leave());
if (cpus.proxy === '') notices.push('only one CPU: nothing is pinned, and the figures tell little');
if (here.load > 0.3) notices.push(`the machine was not idle (load ${here.load}): trust ratios, not figures`);
const settings: BenchSettings = {
  quick: values.quick,
  rounds,
  pinning: cpus,
  env: imageEnvironment(),
  nodeFlags: values['node-flags'].split(' ').filter(Boolean),
  programs: await bundle(),
  profileFolder: values['profile-folder'],
};
say(`${here.cpu}, ${here.cores} CPUs, Linux ${here.kernel}, node ${here.node}, weft ${commit()}`);
say(`proxies on CPU ${cpus.proxy}, load and backend on ${cpus.load}; ${rounds} rounds, median [least–most]`);
for (const notice of notices) say(`note: ${notice}`);

// 2. The scenarios.
const results: ScenarioResult[] = [];
const report = (): Report => ({
  date: new Date().toISOString(),
  commit: commit(),
  quick: values.quick,
  rounds,
  machine: here,
  scenarios: results,
  targets: verdicts(results),
  notices,
});
let failed = false;
for (const scenario of scenarios.filter(each => chosen.includes(each.name))) {
  results.push(await one(scenario, proxies));
  say(table(results.at(-1)!));
  // After each, so that a run that is broken off leaves what it has.
  write(report(), 'bench/results');
}

/** A scenario that breaks is a notice; the others go on. */
async function one(scenario: Scenario, all: readonly MeasuredProxy[]): Promise<ScenarioResult> {
  const { name, title, unit } = scenario;
  try {
    return { scenario: name, title, unit, ...(await scenario.run(all, settings)) };
  } catch (error) {
    failed = true;
    const reason = error instanceof Error ? error.message : `${error}`;
    return { scenario: name, title, unit, proxies: [], notices: [`failed: ${reason}`] };
  }
}

// 3. What was promised.
if (results.length > 0) say(verdictTable(verdicts(results)));
if (values.json) console.log(JSON.stringify(report(), null, 2));
say('\nwritten to bench/results/latest.json');
process.exit(failed ? 1 : 0);
