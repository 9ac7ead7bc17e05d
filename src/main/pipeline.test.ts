import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FilesSource } from '../source/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import { startPipeline } from './pipeline.ts';

test('objects become a mesh before the pipeline is there, and each problem is logged when it comes and when it goes', async context => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-pipeline-'));
  const stop = new AbortController();
  context.after(async () => {
    stop.abort();
    await rm(folder, { recursive: true, force: true });
  });
  const good = 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n';
  const file = join(folder, 'web.yaml');
  await writeFile(file, good.replace('spec:', '  # bad port below\nspec:').replace('port: 80', 'port: none'));
  const lines: string[] = [];
  const say = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`);
  const log = { ...silentLog, info: say('info'), warn: say('warn'), error: say('error') };
  const clock = new FakeClock();
  const source = new FilesSource({ folder, clock });
  const options = {
    sources: [source],
    trustDomain: 'cluster.local',
    clusterDomain: 'cluster.local',
    clock,
    log,
  };
  const pipeline = await startPipeline(options, stop.signal);
  const wrong = 'spec.ports[0].port must be a whole number from 1 to 65535';
  assert.deepEqual(lines, [`error ${wrong}`]);
  assert.deepEqual(
    pipeline.problems().map(each => each.object!.origin),
    ['web.yaml:1'],
  );
  assert.equal(pipeline.mesh.services.size, 0);
  await writeFile(file, `${good}---\n${good}`);
  await source.refresh();
  await clock.advance(20);
  assert.equal(pipeline.mesh.services.get('default/web')!.ports[0]!.number, 80);
  assert.equal(pipeline.hub.mesh, pipeline.mesh);
  assert.deepEqual(lines.slice(1), [
    'warn web.yaml:6: Service default/web stands in web.yaml:1 too, and that one counts; remove one of them',
    `info no longer so: ${wrong}`,
  ]);
});

test('two sources in one pipeline: each keeps to its own, and the second stands in for what the first no longer has', async context => {
  const stop = new AbortController();
  const clock = new FakeClock();
  const [over, under] = await Promise.all([1, 2].map(() => mkdtemp(join(tmpdir(), 'weft-pipeline-'))));
  context.after(async () => {
    stop.abort();
    for (const folder of [over!, under!]) await rm(folder, { recursive: true, force: true });
  });
  const web = (port: number) =>
    `apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: ${port}}]}\n`;
  await writeFile(join(over!, 'web.yaml'), web(80));
  await writeFile(join(under!, 'web.yaml'), `${web(81)}---\n${web(82).replace('name: web', 'name: other')}`);
  const sources = [over!, under!].map(folder => new FilesSource({ folder, clock }));
  const names = { trustDomain: 'cluster.local', clusterDomain: 'cluster.local' };
  const pipeline = await startPipeline({ sources, ...names, clock, log: silentLog }, stop.signal);
  const port = (name: string) => pipeline.mesh.services.get(`default/${name}`)?.ports.at(0)?.number;
  assert.deepEqual([port('web'), port('other')], [80, 82]);
  assert.match(pipeline.problems()[0]!.message, /^is known from files:.* too, and that one counts/);
  await rm(join(over!, 'web.yaml'));
  await sources[0]!.refresh();
  await clock.advance(20);
  assert.deepEqual([port('web'), port('other')], [81, 82]);
  assert.deepEqual(pipeline.problems(), []);
  await rm(join(under!, 'web.yaml'));
  await sources[1]!.refresh();
  await clock.advance(20);
  assert.deepEqual([port('web'), port('other')], [undefined, undefined]);
});
