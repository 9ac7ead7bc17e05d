import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTracing } from './tracing-flags.ts';

test('no collector, no tracing', () => {
  assert.equal(readTracing({ zipkin: '', otlp: '', sampling: '1' }), undefined);
});

test('a collector by its address, with the port and path of its kind', () => {
  const zipkin = readTracing({ zipkin: 'zipkin.istio-system', otlp: '', sampling: '100' });
  const { kind, address, path } = zipkin!.provider;
  assert.deepEqual([kind, address, path], ['zipkin', 'zipkin.istio-system:9411', '/api/v2/spans']);
  const otlp = readTracing({ zipkin: '', otlp: '[fd00::7]', sampling: '0.5' });
  assert.deepEqual([otlp!.provider.address, otlp!.samplingPercent], ['[fd00::7]:4318', 0.5]);
});

test('a collector behind TLS is named by its scheme, and its certificate is checked', () => {
  const { address, tls } = readTracing({
    zipkin: '',
    otlp: 'https://otel.example/',
    sampling: '1',
  })!.provider;
  assert.deepEqual([address, tls], ['otel.example:4318', { mode: 'simple' }]);
  const plain = readTracing({ zipkin: 'http://zipkin:80', otlp: '', sampling: '1' })!.provider;
  assert.deepEqual([plain.address, plain.tls], ['zipkin:80', undefined]);
});

test('what no flag can mean is refused by its name', () => {
  const refused = (zipkin: string, otlp: string, sampling: string, words: RegExp): void =>
    assert.throws(() => readTracing({ zipkin, otlp, sampling }), {
      code: 'bad-configuration',
      message: words,
    });
  refused('a', 'b', '1', /--trace-zipkin and --trace-otlp/);
  refused('a:b:c', '', '1', /--trace-zipkin is 'a:b:c'/);
  refused('', 'a:99999', '1', /--trace-otlp/);
  refused('', 'https://', '1', /https:\/\/host:port/);
  refused('ftp://a', '', '1', /--trace-zipkin/);
  for (const sampling of ['', '101', '-1', 'all']) refused('a', '', sampling, /--trace-sampling/);
});
