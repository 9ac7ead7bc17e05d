import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { jumpsToOurs } from './document.ts';
import { type Plan, plan } from './plan.ts';
import { parseSave } from './save.ts';

const folder = join(import.meta.dirname, 'golden');

function render(made: Plan | undefined, problems: ReturnType<typeof plan>['problems']): string {
  const lines = problems.map(
    ({ severity, code, path, message }) => `# ${severity} ${code} at ${path}: ${message}\n`,
  );
  const documents = made?.families.map(({ family, document, undo }) => {
    return `# ${family}\n${document}# ${family} undo\n${undo}`;
  });
  return [...lines, ...(documents ?? ['# no plan\n'])].join('');
}

describe('plan', () => {
  for (const file of globSync('*.yaml', { cwd: folder }).sort()) {
    test(`golden: ${basename(file, '.yaml')}`, () => {
      const { plan: made, problems } = plan(parse(readFileSync(join(folder, file), 'utf8')) ?? {});
      const expected = join(folder, file.replace(/\.yaml$/, '.rules'));
      const actual = render(made, problems);
      if (process.env.UPDATE_GOLDEN === '1') writeFileSync(expected, actual);
      assert.equal(actual, readFileSync(expected, 'utf8'));
    });
  }

  test('touches TCP only, whatever is asked', () => {
    const { plan: made } = plan({ skipOutboundPorts: [53], onlyInboundPorts: [80] });
    for (const { jumps } of made!.families) {
      for (const { match } of jumps) assert.deepEqual(match, ['-p', 'tcp']);
      assert.deepEqual(
        jumps.map(({ chain }) => chain),
        ['PREROUTING', 'OUTPUT'],
      );
    }
  });

  test('gives the same text for the same set of ports and CIDRs in another order', () => {
    const one = plan({ skipInboundPorts: [1, 2], skipOutboundCidrs: ['10.0.0.0/8', '11.0.0.0/8'] });
    const other = plan({ skipInboundPorts: [2, 1, 1], skipOutboundCidrs: ['11.0.0.0/8', '10.0.0.0/8'] });
    assert.deepEqual(one.plan!.families, other.plan!.families);
  });

  test('lets no rule of a proxy lead back to the outbound listener', () => {
    for (const { rules } of plan().plan!.families) {
      const output = rules.filter(({ chain }) => chain === 'WEFT_OUTPUT');
      const released = output.findIndex(({ match, target }) => {
        return match.join(' ') === '-m owner --uid-owner 1337' && target[0] === 'RETURN';
      });
      const redirected = output.findIndex(({ target }) => target[0] === 'WEFT_REDIRECT');
      assert.ok(released >= 0 && released < redirected);
    }
  });

  test('undo names no chain but ours and deletes what the document adds elsewhere', () => {
    for (const { document, undo } of plan().plan!.families) {
      const added = jumpsToOurs(parseSave(document).nat).map(rule => ('line' in rule ? rule.line : ''));
      const deleted = undo.split('\n').filter(line => line.startsWith('-D '));
      assert.deepEqual(
        deleted,
        added.map(line => line.replace('-A', '-D')),
      );
      assert.equal(added.length, 2);
    }
  });
});
