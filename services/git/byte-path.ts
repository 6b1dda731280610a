/** Paths as git has them: bytes, which need not be UTF-8. */

/** A path inside a repository, one character per byte (latin1): it survives Maps, JSON and sorting unchanged. */
export type BytePath = string

/** For file system calls below `root`. */
export function toFsPath (root: string, path: BytePath): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')])
}

/** For people: bytes that are no UTF-8 show as U+FFFD. */
export function toDisplay (path: BytePath): string {
  return Buffer.from(path, 'latin1').toString('utf8')
}

/** git's C-style quoting, understood by `--stdin-paths`, which has no -z: every byte that is not plain becomes octal. */
export function quoteBytes (path: BytePath): string {
  return `"${path.replace(/[^ !#-[\]-~]/g, char => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)}"`
}

/** The last part of a path. */
export function baseNameOf (path: BytePath): BytePath {
  return path.slice(path.lastIndexOf('/') + 1)
}
