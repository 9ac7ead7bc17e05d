/** As htpasswd and crypt(3) write them: MD5, bcrypt, SHA; and in plain words, which say that they are that. */
const passwordHash =
  /^(\$(apr1|2[aby])\$\S+|\$1\$[^$\s]{0,8}\$[./0-9A-Za-z]{22}|\$[56]\$(rounds=\d+\$)?[^$\s]{0,16}\$[./0-9A-Za-z]{43,86}|\{(SHA|SSHA|PLAIN)\}\S+)\s*$/;
/** How many characters one has at most, with room. */
const longestHash = 512;

/** Whether the text is a hash of a password that gateways can compare one with. */
export function isPasswordHash(text: string): boolean {
  return text.length <= longestHash && passwordHash.test(text);
}
