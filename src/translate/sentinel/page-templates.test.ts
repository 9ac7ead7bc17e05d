import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../kdl/index.ts';
import { readFiles, readSentinelFiles } from './index.ts';

/** What a file comes to whose pages are in `templates`, by path. */
function read(pages: string, templates: Readonly<Record<string, string>>) {
  const text = `listener "l" { address "0.0.0.0:80" }
upstream "u" { target "10.0.0.1:80" }
route "r" { matches { path-prefix "/" }; upstream "u"; error-pages { ${pages} } }
`;
  const files = readFiles('f', {
    read(file) {
      const found = file === 'f' ? text : templates[file];
      if (found === undefined) throw new Error('no such file');
      return found;
    },
    absolute: file => file,
    find: () => [],
    list: () => [],
  });
  const { configuration, problems } = readSentinelFiles(files);
  const errors = problems.filter(each => each.severity === 'error').map(formatProblem);
  const page = (status: number) =>
    configuration?.routes[0]?.errorPages?.find(each => each.statuses.includes(status))?.body;
  return { page, errors };
}

test('placeholders are put in as the format of the page wants them', () => {
  const template = '[{{status}}|{{ reason }}|{{message}}|{{route}}] { } }}';
  const of = (format: string) =>
    read(`pages { "404" { format "${format}"; message "<a b=\\"c\\"> & 'd'"; template "t" } }`, {
      t: template,
    });
  const html = '[404|Not Found|&lt;a b=&quot;c&quot;&gt; &amp; &#39;d&#39;|r] { } }}';
  assert.equal(of('html').page(404), html);
  assert.equal(of('xml').page(404), html);
  assert.equal(of('json').page(404), `[404|Not Found|<a b=\\"c\\"> & 'd'|r] { } }}`);
  assert.equal(of('text').page(404), `[404|Not Found|<a b="c"> & 'd'|r] { } }}`);
  assert.match(of('html').page(503) ?? '', /Service Unavailable/, 'other statuses have their usual page');
});

test('what a message says is no placeholder', () => {
  const { page } = read('pages { "404" { message "{{route}}"; template "t"; format "text" } }', {
    t: '{{message}}',
  });
  assert.equal(page(404), '{{route}}');
});

test('templates stand in template-dir; a path from the root stands for itself', () => {
  const templates = { '/pages/404.html': 'relative', '/other.html': 'absolute' };
  const { page } = read(
    'template-dir "/pages/"; pages { "404" { template "404.html" }; "503" { template "/other.html" } }',
    templates,
  );
  assert.deepEqual([page(404), page(503)], ['relative', 'absolute']);
});

test('what is wrong with a template is told where it is named, with line and column', () => {
  const errorOf = (text: string | undefined) =>
    read('pages { "404" { template "t" } }', text === undefined ? {} : { t: text }).errors.join();
  assert.match(
    errorOf('a\n b {{mesage}}'),
    /^f:3:\d+: error: template t: line 2, column 4: there is no placeholder \{\{mesage\}\}; did you mean message\? \(sentinel-template\)$/,
  );
  assert.match(errorOf('{{x}}'), /it is one of status, reason, message, route/);
  assert.match(errorOf('x {{status'), /line 1, column 3: \{\{ is not closed/);
  assert.match(errorOf('{{ {{status}}'), /line 1, column 1: \{\{ is not closed/);
  assert.match(errorOf('x'.repeat(65_537)), /it has 65537 characters, and a page at most 65536/);
  assert.match(errorOf(undefined), /template t: it cannot be read: no such file/);
});

test('a template that changes changes its page, though the lines of its route are as they were', () => {
  const pages = 'pages { "404" { template "t" } }';
  assert.equal(read(pages, { t: 'one' }).page(404), 'one');
  assert.equal(read(pages, { t: 'two' }).page(404), 'two');
});
