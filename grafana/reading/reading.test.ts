import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dashboards, dashboardText } from '../index.ts';
import { type DashboardJson, panelsOf, variablesOf } from './queries.ts';
import { rateIntervalS, substitute } from './substitute.ts';

const times = { rangeS: 1800, stepS: 5, scrapeS: 15 };

test('the time that a rate is taken over has four scrapes in it, or a step and a scrape', () => {
  assert.equal(rateIntervalS(times), 60);
  assert.equal(rateIntervalS({ ...times, stepS: 300 }), 315);
});

test('variables are replaced in every form, quotes and expressions escaped, and what is not known is left alone', () => {
  const text = (expr: string, variables = {}) => substitute(expr, variables, times);
  assert.equal(text('a{p="$pod"}[$__rate_interval]', { pod: 'x' }), 'a{p="x"}[60s]');
  assert.equal(text('a{p="${pod:regex}"}[$__range]', { pod: 'a"\\' }), 'a{p="a\\"\\\\"}[1800s]');
  assert.equal(text('a{p=~"$pod"}', { pod: ['a.b', 'c'] }), 'a{p=~"(a\\\\.b|c)"}');
  assert.equal(text('$podium $pod', { pod: 'x' }), '$podium x');
});

test('every variable and every query of our dashboards can be read', () => {
  for (const dashboard of dashboards().values()) {
    const json = JSON.parse(dashboardText(dashboard)) as DashboardJson;
    variablesOf(json);
    for (const { title, targets } of panelsOf(json))
      for (const { expr } of targets!) assert.ok(expr.length > 0, title);
  }
});
