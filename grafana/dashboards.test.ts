import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Dashboard, Panel, VariableModel } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboards, dashboardText } from './index.ts';
import { TARGETS } from './links.ts';

const folder = new URL('../manifests/grafana/', import.meta.url).pathname;
const all = [...dashboards().values()];

/** A panel with what of its shape these tests look at. */
type Shown = Panel & {
  readonly fieldConfig: {
    readonly defaults: {
      readonly noValue?: string;
      readonly unit?: string;
      readonly links?: { url: string }[];
    };
    readonly overrides: {
      readonly matcher: { readonly options: unknown };
      readonly properties: { readonly id: string; readonly value?: unknown }[];
    }[];
  };
};

function panelsOf(dashboard: Dashboard): Shown[] {
  return (dashboard.panels ?? []).filter(({ type }) => type !== 'row') as Shown[];
}

function each(check: (panel: Shown, dashboard: Dashboard, name: string) => void): void {
  for (const dashboard of all)
    for (const panel of panelsOf(dashboard)) check(panel, dashboard, `${dashboard.title}: ${panel.title}`);
}

test('manifests/grafana/ is what make dashboards writes', () => {
  const files = [...dashboards()].map(
    ([name, dashboard]) => [`${name}.json`, dashboardText(dashboard)] as const,
  );
  assert.deepEqual(readdirSync(folder).sort(), files.map(([name]) => name).sort());
  for (const [name, text] of files)
    assert.ok(readFileSync(`${folder}${name}`, 'utf8') === text, `${name} is old; run make dashboards`);
});

test('each dashboard has the uid by which others link to it, an order of schema that Grafana reads, and a question that it answers', () => {
  assert.deepEqual(
    all.map(({ uid }) => uid),
    Object.values(TARGETS),
  );
  for (const { description, schemaVersion, tags } of all) {
    assert.ok(description!.length > 40);
    assert.ok(schemaVersion >= 36, 'before that, data sources were names');
    assert.deepEqual(tags, ['weft']);
  }
});

test('each panel says what it shows, in which unit, and what it means when there is nothing to show', () => {
  each((panel, _, name) => {
    const { noValue, unit } = panel.fieldConfig.defaults;
    assert.ok(panel.description!.length > 20, name);
    assert.ok(noValue && !/^(n\/a|no data)$/i.test(noValue), name);
    assert.ok(unit !== undefined || panel.type === 'table', name);
    if (panel.type === 'stat')
      assert.ok(noValue.length <= 32, `${name}: '${noValue}' is too long for large letters`);
  });
});

test('panels have ids of their own and lie beside one another', () => {
  for (const { panels = [], title } of all) {
    const ids = panels.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, title);
    const taken = new Map<string, string>();
    for (const { gridPos, title: own = '' } of panels as Panel[]) {
      assert.ok(gridPos!.x + gridPos!.w <= 24, own);
      for (let x = gridPos!.x; x < gridPos!.x + gridPos!.w; x++) {
        for (let y = gridPos!.y; y < gridPos!.y + gridPos!.h; y++) {
          assert.equal(taken.get(`${x} ${y}`), undefined, `${title}: ${own}`);
          taken.set(`${x} ${y}`, own);
        }
      }
    }
  }
});

test('each query asks the chosen Prometheus, and each variable that it names is one of the dashboard', () => {
  each((panel, dashboard, name) => {
    const known = new Set((dashboard.templating?.list ?? []).map((variable: VariableModel) => variable.name));
    for (const variable of ['__rate_interval', '__range', '__url_time_range']) known.add(variable);
    const text = JSON.stringify(panel).replaceAll(/\$\{__(data|field)[^}]*\}/g, '');
    for (const [, name1, name2] of text.matchAll(/\$(?:(\w+)|\{(\w+)(?::\w+)?\})/g))
      assert.ok(known.has((name1 ?? name2)!), `${name}: $${name1 ?? name2}`);
    const targets = panel.targets as unknown as {
      datasource: { uid: string };
      refId: string;
      expr: string;
    }[];
    assert.ok(targets.length > 0, name);
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, name);
    for (const { datasource } of targets) assert.equal(datasource.uid, '${datasource}', name);
  });
});

test('each link leads to a dashboard of ours, sets variables that it has, and takes them from what is there', () => {
  each((panel, _, name) => {
    const of = panel.fieldConfig;
    const cells = of.overrides.flatMap(({ properties }) =>
      properties.filter(({ id }) => id === 'links').flatMap(({ value }) => value as { url: string }[]),
    );
    for (const { url } of [...(of.defaults.links ?? []), ...cells]) {
      const target = all.find(({ uid }) => url.startsWith(`/d/${uid}/`));
      assert.ok(target, `${name}: ${url}`);
      const has = (target.templating?.list ?? []).map((variable: VariableModel) => variable.name);
      const sets = [...url.matchAll(/var-(\w+)=\$\{(?:__data\.fields\.|__field\.labels\.)?(\w+)\}/g)];
      assert.equal(sets.length, url.match(/var-/g)?.length ?? 0, `${name}: ${url}`);
      for (const [text, variable, from] of sets) {
        assert.ok(has.includes(variable!), `${name}: ${variable} is no variable of ${target.title}`);
        if (!text.includes('{__')) continue;
        const exprs = (panel.targets as unknown as { expr: string }[]).map(({ expr }) => expr).join(' ');
        assert.match(
          exprs,
          new RegExp(`by \\([^)]*\\b${from}\\b`),
          `${name}: no query keeps the label ${from}`,
        );
      }
    }
  });
});

test('each dashboard can be kept as a ConfigMap, and applied in the way that keeps it a second time in an annotation', () => {
  for (const [name, dashboard] of dashboards()) assert.ok(dashboardText(dashboard).length < 200 << 10, name);
});
