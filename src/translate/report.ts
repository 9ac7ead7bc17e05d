import { type ObjectRef, type Problem, problem } from '../model/index.ts';

/** Collects what is wrong with one object while it is translated. */
export class Report {
  readonly object: ObjectRef;
  readonly problems: Problem[] = [];
  #refused = false;

  constructor(object: ObjectRef) {
    this.object = object;
  }

  /** Whether there was an error, so that the object does not take effect and its last good version stays. */
  get refused(): boolean {
    return this.#refused;
  }

  error(code: string, path: string, message: string): void {
    this.#refused = true;
    this.problems.push(problem(code, message, { object: this.object, path }));
  }

  /** What is wrong with one rule, which is replaced, so that the rest of the object holds. */
  fail(code: string, path: string, message: string): void {
    const known = this.problems.some(each => each.path === path && each.message === message);
    if (!known) this.problems.push(problem(code, message, { object: this.object, path }));
  }

  /** One that was collected elsewhere. */
  take(found: Problem): void {
    if (found.severity === 'error') this.#refused = true;
    this.problems.push(found);
  }

  warn(code: string, path: string, message: string): void {
    this.problems.push(problem(code, message, { object: this.object, path, severity: 'warning' }));
  }
}
