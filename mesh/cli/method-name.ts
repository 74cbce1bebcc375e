import { StartupError } from '../runtime/startup-error.js';

/**
 * Finds the method that a person means: its full path, or any suffix of it that only one method has
 * (`OrderService/GetOrder`, `GetOrder`), with `/` or `.` before the method's name.
 * @param paths all methods as `package.Service/Method`.
 * @throws StartupError that lists what the suffix could mean, or methods with a similar name.
 */
export function resolveMethod(wanted: string, paths: readonly string[]): string {
  const name = wanted.replace(/^\//, '');
  const matches = paths.filter((path) => {
    const dotted = path.replace('/', '.');
    return (
      path === name || [path, dotted].some((form) => form.endsWith(`.${name}`) || form.endsWith(`/${name}`))
    );
  });
  const [only, ...more] = matches;
  if (only !== undefined && more.length === 0) return only;
  if (only !== undefined)
    throw new StartupError(`'${wanted}' could be ${matches.join(' or ')}`, 'write more of its name');
  const near = paths.filter((path) => path.toLowerCase().includes(name.toLowerCase())).slice(0, 5);
  throw new StartupError(
    `there is no method '${wanted}'`,
    near.length > 0 ? `did you mean ${near.join(' or ')}` : 'see them with meshmart call --list',
  );
}
