// The import layers of the project, as one table, and the check that nobody reaches up. A large room has rooms of its own, each
// with its row; from outside only its index is seen. A room may import itself, the rooms in its row, and the npm packages in its
// row (node: modules unless `pure`).
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rooms } from './layers.table.ts';

const problems: string[] = [];
const importPattern =
  /^\s*(?:import|export)\b[^'"]*?\bfrom\s+['"]([^'"]+)['"]|^\s*import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;

function roomOf(file: string): string {
  const [top, room, within] = file.split('/');
  // The browser code beside the programs; src/dashboard is its server.
  if (top === 'dashboard') return 'page';
  if (top !== 'src') return top!;
  return `${room}/${within}` in rooms ? `${room}/${within}` : room!;
}

for (const file of globSync(['{src,webhook,grafana}/**/*.ts', 'dashboard/**/*.{ts,tsx}']).sort()) {
  if (file.endsWith('.test.ts') || file.includes('/testing/')) continue;
  const room = roomOf(file);
  const rule = rooms[room];
  if (!rule) {
    problems.push(
      `${file}: room '${room}' is not in scripts/layers.table.ts; add it with what it may import`,
    );
    continue;
  }
  const text = readFileSync(file, 'utf8');
  for (const match of text.matchAll(importPattern)) {
    const specifier = match[1] ?? match[2] ?? match[3]!;
    const line = text.slice(0, match.index).split('\n').length + (match[0].startsWith('\n') ? 1 : 0);
    if (specifier.startsWith('.')) {
      const target = roomOf(relative('.', join(dirname(file), specifier)));
      if (target !== room && !rule.imports.includes(target)) {
        problems.push(
          `${file}:${line} imports from ${target}/. ${room} may import: ${rule.imports.join(', ') || 'nothing'}. ${rule.instead}`,
        );
      }
    } else if (specifier.startsWith('node:')) {
      if (rule.pure) problems.push(`${file}:${line} imports ${specifier}. ${room} is pure. ${rule.instead}`);
    } else if (!rule.packages.some(name => specifier === name || specifier.startsWith(`${name}/`))) {
      problems.push(
        `${file}:${line} imports the package ${specifier}. ${room} may use: ${rule.packages.join(', ') || 'no package'}. ${rule.instead}`,
      );
    }
  }
}

const order = Object.keys(rooms);
for (const [room, { imports }] of Object.entries(rooms)) {
  for (const other of imports) {
    if (order.indexOf(other) > order.indexOf(room))
      problems.push(
        `scripts/layers.table.ts: ${room} may import ${other}, which stands below it; move its row up`,
      );
  }
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
