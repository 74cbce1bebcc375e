/** The form in which e-mail addresses are stored and compared: NFC, trimmed, in lower case. */
export function normalEmail(email: string): string {
  return email.normalize('NFC').trim().toLowerCase();
}
