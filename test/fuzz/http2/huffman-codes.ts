/** The code of RFC 7541 Appendix B as strings of digits: canonical, so that the lengths of its codes say everything. */
const lengths =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca' +
  'd67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';

/** Symbols by their code; 256 is EOS. */
export const codes: ReadonlyMap<string, number> = (() => {
  const found = new Map<string, number>();
  let code = 0n;
  for (let length = 5; length <= 30; length++) {
    [...lengths].forEach((digit, symbol) => {
      if (Number.parseInt(digit, 36) === length)
        found.set((code++).toString(2).padStart(length, '0'), symbol);
    });
    code *= 2n;
  }
  return found;
})();
