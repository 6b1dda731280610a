/** The part of a snapshot that no tree can hold: its description, permissions, the index as a file, git's own progress. */
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { Git } from './exec.ts'
import { readBlobs } from './objects.ts'

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })
const NullableString = Type.Union([Type.String(), Type.Null()])
const Count = Type.Integer({ minimum: 0 })

/** Written as `manifest.json` into the snapshot's fourth parent. Paths are latin1: one character per byte. */
export const Manifest = Type.Object({
  version: Type.Literal(1),
  workspaceId: Type.String(),
  headSha: NullableString,
  branch: NullableString,
  hash: Type.Union([Type.Literal('sha1'), Type.Literal('sha256')]),
  hasIndex: Type.Boolean(),
  /** Permission bits of the files that are stored as they were on disk, and of folders, whose paths end with a slash. */
  permissions: Type.Record(Type.String(), Count),
  /** Files that a filter makes from the index: stored filtered, checked out by git. */
  converted: Type.Array(Type.String()),
  rescueIgnored: Type.Array(Type.String()),
  /** Absent in snapshots of before they were noted. */
  emptyFolders: Type.Optional(Type.Array(Type.String())),
  parts: Type.Object({ head: Digest, index: Digest, tracked: Digest, untracked: Digest, ignored: Digest, progress: Digest }),
  counts: Type.Object({ staged: Count, modified: Count, deleted: Count, untracked: Count, ignored: Count, conflicted: Count }),
  files: Type.Array(Type.Object({
    path: Type.String(),
    status: Type.Union([Type.Literal('staged'), Type.Literal('modified'), Type.Literal('deleted'), Type.Literal('untracked'), Type.Literal('ignored'), Type.Literal('conflicted')])
  })),
  fileCount: Count,
  indexCommit: Type.String(),
  untrackedCommit: Type.String(),
  takenAt: Type.String(),
  warnings: Type.Array(Type.String())
})
export type Manifest = Static<typeof Manifest>

export const MANIFEST_FILE = 'manifest.json'
export const INDEX_FILE = 'index'
export const PROGRESS_FOLDER = 'progress'

/** Names the commit that holds the manifest, by the snapshot's own. */
export const manifestCommit = (worktreeCommit: string) => `${worktreeCommit}^4`

/** Reads and checks the manifest of a snapshot. Throws an Error when there is none or it is not of this form. */
export async function readManifest (git: Git, repoRoot: string, worktreeCommit: string): Promise<Manifest> {
  return (await readManifestOf(git, repoRoot, worktreeCommit)).manifest
}

/**
 * The manifest of the snapshot that a ref (or an id) names, and its commit, with one process.
 * @throws Error when there is none, or it is not of this form
 */
export async function readManifestOf (git: Git, repoRoot: string, name: string): Promise<{ worktreeCommit: string, manifest: Manifest }> {
  const { stdout } = await git(['cat-file', '--batch-command'], { cwd: repoRoot, input: `info ${name}\ncontents ${manifestCommit(name)}:${MANIFEST_FILE}\n` })
  const [commit = '', , text = ''] = stdout.split('\n')
  const [worktreeCommit = '', type] = commit.split(' ')
  if (type !== 'commit' || text === '') throw new Error(`There is no snapshot ${name}`)
  const manifest: unknown = JSON.parse(text)
  if (!Value.Check(Manifest, manifest)) throw new Error('The snapshot was written by another version of this service')
  return { worktreeCommit, manifest }
}

/** Reads small blobs into memory, by id. */
export async function loadBlobs (git: Git, cwd: string, shas: readonly string[]): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>()
  await readBlobs(git, cwd, [...new Set(shas)], sha => {
    const chunks: Buffer[] = []
    return {
      chunk: bytes => { chunks.push(bytes) },
      end: () => { contents.set(sha, Buffer.concat(chunks)) }
    }
  })
  return contents
}
