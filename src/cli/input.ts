// Where commands that take YAML get it from: files, folders, stdin.
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { errorMessage, WeftError } from '../errors/index.ts';
import type { InputText } from './transform.ts';

/**
 * Reads every named file; a folder stands for the *.yaml, *.yml and *.json files in it, by name; `-` and nothing at all for
 * stdin. Throws a WeftError that says what to do when there is nothing to read.
 */
export async function readInputs(names: readonly string[]): Promise<InputText[]> {
  const inputs: InputText[] = [];
  for (const name of names.length > 0 ? names : ['-']) {
    if (name === '-') inputs.push({ name: 'stdin', text: await readStdin() });
    else inputs.push(...readPath(name));
  }
  return inputs;
}

async function readStdin(): Promise<string> {
  if (process.stdin.isTTY) {
    throw new WeftError('no-input', 'no YAML to read: name a file with -f, or pipe it in', {
      source: 'config',
    });
  }
  return text(process.stdin);
}

function readPath(path: string): InputText[] {
  try {
    if (!statSync(path).isDirectory()) return [{ name: path, text: readFileSync(path, 'utf8') }];
    const files = globSync('*.{yaml,yml,json}', { cwd: path }).sort();
    if (files.length === 0) throw new Error('no *.yaml, *.yml or *.json file in this folder');
    return files.map(file => ({ name: join(path, file), text: readFileSync(join(path, file), 'utf8') }));
  } catch (error) {
    const why = errorMessage(error).replace(/^(E[A-Z]+): ([^,]+),.*$/, '$2');
    throw new WeftError('unreadable-input', `cannot read ${path}: ${why}`, {
      source: 'config',
      cause: error,
    });
  }
}
