#!/usr/bin/env node
// weft-proxy: the data plane. What it can do is in proxy-program.ts.
import { isMainThread } from 'node:worker_threads';

const [, , command, ...flags] = process.argv;
// The hook of every pod's start runs beside a proxy that starts, on the same CPU: it loads nothing that it does not need. A
// bundle in CommonJS cannot wait here.
if (isMainThread && command === 'wait' && flags.length === 0)
  void import('./ready-hook.ts').then(({ waitForProxy }) => waitForProxy());
else void import('./proxy-program.ts').then(({ main }) => main());
