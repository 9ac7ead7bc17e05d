/** Whether the number is prime; tables of Maglev must be of such a size. */
export function isPrime(value: number): boolean {
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return value > 1;
}
