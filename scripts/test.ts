// Runs the tests with Node's own runner: every *.test.ts of the repository, or those named.
// Tests that need root, iptables or a kubeconfig say so themselves; a skipped one is listed at the end.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : globSync('{src,webhook,grafana,dashboard,test,examples,bench,scripts}/**/*.test.ts');
const args = ['--test', `--test-concurrency=${availableParallelism()}`, '--test-timeout=120000'];
const child = spawn(process.execPath, [...args, ...files.sort()], { stdio: 'inherit' });
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1);
});
