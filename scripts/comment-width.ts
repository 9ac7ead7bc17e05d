// make lint: comments are at most 130 columns wide. The formatter leaves them as they are.
import { globSync, readFileSync } from 'node:fs';

const widest = 130;

let tooWide = 0;
for (const file of globSync('{src,webhook,test,bench,examples,scripts,grafana,dashboard}/**/*.{ts,tsx}')) {
  for (const [i, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (line.length <= widest || !/^\s*(\/\/|\/?\*)/.test(line)) continue;
    console.error(`${file}:${i + 1}: a comment of ${line.length} columns; wrap it at ${widest}`);
    tooWide++;
  }
}
if (tooWide > 0) process.exitCode = 1;
