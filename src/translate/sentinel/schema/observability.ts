import {
  type BlockSchema,
  flag,
  number,
  type OptionSchema,
  oneOf,
  seconds,
  text,
  whole,
} from '../../../kdl/index.ts';

const files = {
  type: text,
  mark: 'ignored',
  why: 'lines go to standard output, where Kubernetes keeps them',
} as const;
const logOfFiles: OptionSchema = { mark: 'ignored', why: 'errors are among the lines on standard output' };
const collector: BlockSchema = { options: { endpoint: { type: text, required: true } } };

/** `observability { … }` */
export const observability: BlockSchema = {
  options: {
    metrics: {
      block: {
        options: {
          enabled: { type: flag, fallback: true },
          address: { type: text },
          path: { type: text, fallback: '/metrics', aliases: ['endpoint'] },
          'high-cardinality': {
            type: flag,
            mark: 'ignored',
            why: 'metrics have the labels that docs/metrics.md lists',
          },
        },
      },
    },
    logging: {
      block: {
        options: {
          level: { type: oneOf('trace', 'debug', 'info', 'warn', 'error'), fallback: 'info' },
          format: { type: oneOf('json', 'pretty'), mark: 'ignored', why: 'lines are JSON' },
          timestamps: { type: flag, mark: 'ignored', why: 'every line has its time' },
          file: files,
          'access-log': {
            block: {
              options: {
                enabled: { type: flag, fallback: true },
                file: files,
                format: { type: oneOf('json', 'combined'), mark: 'ignored', why: 'lines are JSON' },
                'buffer-size': {
                  type: whole(),
                  mark: 'ignored',
                  why: 'lines are written when an event ends',
                },
                'include-trace-id': { type: flag, mark: 'ignored', why: 'every line has its request id' },
                'sample-rate': { type: number(0, 1), fallback: 1 },
                'sample-errors-always': { type: flag, mark: 'ignored', why: 'failures are always logged' },
                fields: { mark: 'ignored', why: 'lines have the fields that docs/telemetry.md lists' },
              },
            },
          },
          'error-log': logOfFiles,
          'audit-log': logOfFiles,
        },
      },
    },
    tracing: {
      block: {
        options: {
          backend: {
            required: true,
            variants: {
              otlp: collector,
              zipkin: collector,
              jaeger: {
                options: {},
                mark: 'refused',
                why: 'Jaeger takes OTLP: backend "otlp" { endpoint … }',
              },
            },
          },
          'sampling-rate': { type: number(0, 1), fallback: 0.01 },
          'service-name': { type: text, mark: 'ignored', why: 'spans name the workload (POD_NAME)' },
          'timeout-secs': {
            type: seconds(),
            mark: 'ignored',
            why: 'spans wait for their collector within bounds',
          },
        },
      },
    },
  },
};
