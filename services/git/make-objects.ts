/** Makes git objects in memory, with their ids; knows nothing of processes. The forms are those that git-cat-file(1) gives back. */
import { createHash, type Hash } from 'node:crypto'
import { toDisplay, type BytePath } from './byte-path.ts'
import type { HashName } from './index-file.ts'

export type ObjectType = 'blob' | 'tree' | 'commit'

export interface GitObject {
  type: ObjectType
  id: string
  content: Buffer
}

export interface TreeEntry {
  path: BytePath
  /** Octal, as git prints it: 100644, 100755, 120000 (link), 160000 (submodule). */
  mode: string
  sha: string
}

/** A hash that will give the id git gives an object of `size` bytes. */
export function objectHash (hash: HashName, type: ObjectType, size: number): Hash {
  return createHash(hash).update(`${type} ${size}\0`)
}

/** An object of this content. */
export function makeObject (hash: HashName, type: ObjectType, content: string | Buffer): GitObject {
  const bytes = Buffer.from(content as Buffer)
  return { type, id: objectHash(hash, type, bytes.length).update(bytes).digest('hex'), content: bytes }
}

/** A folder while its tree is made: the modes and ids of what is in it, and the folders, by name. */
interface Folder { entries: Map<string, { mode: string, sha: string }>, folders: Map<string, Folder> }

/**
 * The trees that files of any depth make, the root first; one empty tree for none.
 * Throws an Error for a path that git takes into no tree, and for a file that is a folder too.
 */
export function makeTrees (hash: HashName, files: readonly TreeEntry[]): [root: GitObject, ...below: GitObject[]] {
  const root = emptyFolder()
  for (const { path, mode, sha } of files) {
    const names = path.split('/')
    if (names.some(name => name === '' || name === '.' || name === '..' || name.toLowerCase() === '.git')) throw new Error(`${toDisplay(path)} can not be stored: git takes no such name`)
    const name = names.pop() ?? ''
    const folder = folderAt(root, names)
    if (folder.entries.has(name)) throw new Error(`${toDisplay(path)} can not be stored: it is there twice`)
    folder.entries.set(name, { mode, sha })
  }
  const below: GitObject[] = []
  const make = (folder: Folder): GitObject => {
    for (const [name, inner] of folder.folders) {
      if (folder.entries.has(name)) throw new Error(`${toDisplay(name)} can not be stored: it is a file and a folder`)
      const tree = make(inner)
      below.push(tree)
      folder.entries.set(name, { mode: '40000', sha: tree.id })
    }
    return makeObject(hash, 'tree', treeContent(folder))
  }
  return [make(root), ...below]
}

const emptyFolder = (): Folder => ({ entries: new Map(), folders: new Map() })

function folderAt (root: Folder, names: readonly string[]): Folder {
  let folder = root
  for (const name of names) {
    const inner = folder.folders.get(name) ?? emptyFolder()
    folder.folders.set(name, inner)
    folder = inner
  }
  return folder
}

/** git sorts by bytes, a folder as if its name ended with a slash. */
function treeContent ({ entries }: Folder): Buffer {
  const lines = [...entries].map(([name, entry]) => ({ name, ...entry, key: entry.mode === '40000' ? `${name}/` : name }))
  lines.sort((a, b) => a.key < b.key ? -1 : 1)
  return Buffer.from(lines.map(({ name, mode, sha }) => `${mode} ${name}\0${Buffer.from(sha, 'hex').toString('latin1')}`).join(''), 'latin1')
}

export interface CommitInput {
  tree: string
  parents: readonly string[]
  message: string
  at: Date
}

/** A commit under the service's own name: a user without a git identity can be rescued too. */
export function makeCommit (hash: HashName, { tree, parents, message, at }: CommitInput): GitObject {
  const who = `Berth <berth@localhost> ${Math.floor(at.getTime() / 1000)} +0000`
  return makeObject(hash, 'commit', [`tree ${tree}`, ...[...new Set(parents)].map(parent => `parent ${parent}`), `author ${who}`, `committer ${who}`, '', message].join('\n'))
}
