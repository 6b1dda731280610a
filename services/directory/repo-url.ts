/** Which repository URLs are taken: git's own transports that run a command are not among them. */
import { Unprocessable } from '../errors.ts'

// scheme://…, or user@host:path. Not `ext::sh -c …` and not an option (`--upload-pack=…`).
const scheme = /^(?:https?|ssh|git|file):\/\/[^\s]+$/i
const scpLike = /^[A-Za-z0-9][\w.-]*@[A-Za-z0-9][\w.-]*:(?!:)[^\s]+$/

/**
 * @param pointer the place of the URL in the request's body
 * @throws Unprocessable (422)
 */
export function checkRepoUrl (url: string, pointer = '/repoUrl'): void {
  if (scheme.test(url) || scpLike.test(url) || /^\/(?!\/)/.test(url)) return
  const message = 'must be an https, ssh, git or file URL, user@host:path, or an absolute path'
  throw new Unprocessable(`The repository URL ${message}.`, { members: { errors: [{ pointer, message }] } })
}
