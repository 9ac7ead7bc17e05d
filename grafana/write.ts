// Writes the dashboards to manifests/grafana/, and removes what is no dashboard any more. Run by `make dashboards`.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dashboards, dashboardText } from './index.ts';

const folder = new URL('../manifests/grafana/', import.meta.url).pathname;
mkdirSync(folder, { recursive: true });
for (const file of readdirSync(folder)) rmSync(`${folder}${file}`);
for (const [name, dashboard] of dashboards())
  writeFileSync(`${folder}${name}.json`, dashboardText(dashboard));
