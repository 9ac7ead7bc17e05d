// proxy/telemetry: what Telemetry objects ask of a proxy beyond what it always tells: access logs with formats, filters and
// redaction, to files and to OpenTelemetry, and values of tags of metrics. In: TelemetrySettings, and requests as observers see
// them. Out: lines and records; texts of tags. Compiled when settings arrive; without settings nothing of it is made.
export { AccessLogs, type AccessLogsOptions } from './access-logs.ts';
export { Tagger } from './tagger.ts';
