/**
 * Something that the person who starts the shop must mend: a wrong setting, a busy port, an unreadable folder.
 * The command line prints its message as one line, without a stack, and ends with exit code 1.
 */
export class StartupError extends Error {
  override readonly name = 'StartupError';

  /**
   * A password in an address is not shown, whatever is wrong with the address.
   * @param what what is wrong and where, as one sentence without a full stop.
   * @param mend what to do about it, as one sentence without a full stop.
   */
  constructor(what: string, mend: string, options?: ErrorOptions) {
    super(`${oneLine(what)}: ${oneLine(mend)}`, options);
  }
}

/** What is between `name:` and the last `@` of a word, be it part of a URL or not. */
const passwords = /((?:[a-z][a-z\d+.-]*:\/\/)?[^\s'":]*):(?!\/\/)[^\s'"]*@/gi;

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').replace(passwords, '$1:***@').trim();
}
