import { VERSION } from '../config/version.ts';
import { type Exposition, labelText } from '../telemetry/index.ts';

const startSeconds = Date.now() / 1000 - process.uptime();

/** What Prometheus expects of every process (https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics). */
export function processMetrics(out: Exposition): void {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  const gauge = (name: string, help: string, value: number): void => {
    out.family(name, 'gauge', help);
    out.sample(name, '', value);
  };
  out.family('process_cpu_seconds_total', 'counter', 'User and system CPU time.');
  out.sample('process_cpu_seconds_total', '', (cpu.user + cpu.system) / 1e6);
  gauge(
    'process_resident_memory_bytes',
    'Resident memory, the executable shared with other proxies included.',
    memory.rss,
  );
  gauge('process_start_time_seconds', 'When the process began, since the epoch.', startSeconds);
  gauge('nodejs_heap_size_used_bytes', 'Used JavaScript heap.', memory.heapUsed);
  gauge('nodejs_external_memory_bytes', 'Memory of buffers outside the heap.', memory.external);
  gauge(
    'nodejs_eventloop_utilization',
    'Share of the time since start that the event loop was busy.',
    performance.eventLoopUtilization().utilization,
  );
  eventLoopMetrics(out);
  out.family('weft_build_info', 'gauge', 'Version of weft and of Node.');
  out.sample('weft_build_info', labelText({ version: VERSION, node: process.versions.node }), 1);
  // By this Kiali and Istio's dashboards know which versions run; sidecars are `agent` there.
  out.family('istio_build', 'gauge', 'Component and version of the mesh.');
  out.sample('istio_build', labelText({ component: 'agent', tag: `weft-${VERSION}` }), 1);
}

/**
 * What the event loop of this core has done with its time: one loop for each core, added up, so that the growth of `active` over
 * the growth of both is how busy the cores are. Unlike nodejs_eventloop_utilization, which is over the whole life, it shows what
 * is now.
 */
export function eventLoopMetrics(out: Exposition): void {
  const { active, idle } = performance.eventLoopUtilization();
  out.family(
    'weft_event_loop_seconds_total',
    'counter',
    'Time of the event loops, at work or waiting for work.',
  );
  out.sample('weft_event_loop_seconds_total', 'state="active"', active / 1000);
  out.sample('weft_event_loop_seconds_total', 'state="idle"', idle / 1000);
}
