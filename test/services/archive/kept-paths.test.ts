/** Rows that lead the archive to what is not its own: nothing there is ever removed, and the answer says why. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { makeHarbour, type Harbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { runGit } from '../../fixtures/git.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { listTree } from '../../fixtures/tree.ts'

const { db } = await openTestDatabase(t, 'pglite')
const harbour = await makeHarbour(t, { db })
const outside = await temporaryFolder(t)
const home = join(outside, 'home')
harbour.deps.homeDir = home
writeFiles(home, 'letters')

function writeFiles (folder: string, name = 'precious.txt'): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), 'precious\n')
  return folder
}

interface Given { id: string, path: string, branch: string, harbour: Harbour }

interface Case {
  /** Makes what the row leads to; gives the row's new place, or nothing when it stays where it is. */
  lead (given: Given): Promise<string | undefined> | string | undefined
  /** Why it stays. */
  because: RegExp
  /** What the archive ends as: `archived` where the folder was never for this workspace alone. */
  ends?: 'archived'
}

const cases: Record<string, Case> = {
  'a symlinked parent': {
    lead ({ path }) {
      symlinkSync(join(path, '..'), join(outside, 'way'))
      return path.replace(/^.*\//, `${outside}/way/`)
    },
    because: /reached through a symlink/
  },
  'a parent that became a symlink out of its place': {
    lead ({ path, branch }) {
      writeFiles(join(outside, 'elsewhere', branch))
      const place = join(path, '..', 'moved')
      symlinkSync(join(outside, 'elsewhere'), place)
      return join(place, branch)
    },
    because: /reached through a symlink/
  },
  'a symlink to another folder': {
    lead ({ path }) {
      symlinkSync(writeFiles(join(outside, 'pointed-at')), `${path}-link`)
      return `${path}-link`
    },
    because: /is a symlink/
  },
  'a path with `..`': { lead: ({ path, branch }) => `${path}/../${branch}`, because: /not absolute and plain/ },
  'a relative path': { lead: () => 'worktrees', because: /not absolute and plain/ },
  'the repository root': { lead: ({ harbour }) => harbour.repo, because: /is the (repository root|folder of a project workspace)/ },
  "the repository's git directory": { lead: ({ harbour }) => join(harbour.repo, '.git'), because: /git directory/ },
  'a folder in the git directory': { lead: ({ harbour }) => writeFiles(join(harbour.repo, '.git', 'mine')), because: /lies in the repository's git directory/ },
  'a folder that holds the repository': { lead: ({ harbour }) => join(harbour.repo, '..'), because: /holds the/ },
  'a project workspace below': {
    async lead ({ path, id, harbour: { companyId, projectId } }) {
      const cwd = writeFiles(join(path, 'packages', 'app'))
      await db.insertInto('project_workspaces').values({ id, company_id: companyId, project_id: projectId, name: 'app', cwd }).execute()
      return undefined
    },
    because: /holds the folder of a project workspace/
  },
  'a project workspace below, by way of a symlink': {
    async lead ({ path, id, harbour: { companyId, projectId } }) {
      symlinkSync(writeFiles(join(path, 'site')), join(outside, 'site'))
      await db.insertInto('project_workspaces').values({ id, company_id: companyId, project_id: projectId, name: 'site', cwd: join(outside, 'site') }).execute()
      return undefined
    },
    because: /holds the folder of a project workspace/
  },
  'the home folder': { lead: () => home, because: /is the home folder/ },
  'a folder that holds the home folder': { lead: () => outside, because: /holds the home folder/ },
  'the root': { lead: () => '/', because: /root or a top-level folder/ },
  'a top-level folder': { lead: () => '/usr', because: /root or a top-level folder/ },
  'the data dir': { lead: ({ harbour }) => harbour.dataDir, because: /data dir/ },
  "the data dir's worktrees": { lead: ({ harbour }) => join(harbour.dataDir, 'worktrees'), because: /data dir's own|holds the folder/ },
  'the worktrees of a project': { lead: ({ path }) => join(path, '..'), because: /holds the folder of the workspace|could not be inspected|does not list/ },
  'a plain folder elsewhere': { lead: () => writeFiles(join(outside, 'documents')), because: /could not be inspected|does not list/ },
  'another repository': {
    lead () {
      const other = writeFiles(join(outside, 'other'))
      runGit(other, 'init', '--quiet')
      runGit(other, 'add', '.')
      runGit(other, 'commit', '--quiet', '--message', 'other')
      return other
    },
    because: /does not list/
  },
  "a person's own worktree of the same repository": {
    lead ({ harbour, branch }) {
      const own = join(outside, 'own')
      runGit(harbour.repo, 'worktree', 'add', '--quiet', '-b', `${branch}-own`, own, 'main')
      writeFiles(own)
      return own
    },
    because: /this service did not add/
  },
  'a folder of a worktree': { lead: ({ path }) => writeFiles(join(path, 'src')), because: /not the top|does not list|could not be inspected/ },
  "another workspace's worktree below": {
    async lead ({ path, branch, harbour }) {
      const inner = join(path, 'inner')
      runGit(harbour.repo, 'worktree', 'add', '--quiet', '-b', `${branch}-inner`, inner, 'main')
      await harbour.addRow({ realized_path: inner, cwd: inner, provider_ref: inner, repo_root: harbour.repo, created_by_runtime: true })
      return undefined
    },
    because: /holds the folder of the workspace/
  },
  'a path that two workspaces claim': {
    async lead ({ path, harbour }) {
      await harbour.addRow({ name: 'the other one', realized_path: path, cwd: path, provider_ref: path, repo_root: harbour.repo, created_by_runtime: true, shares_worktree: true })
      return undefined
    },
    because: /used by the other one too/,
    ends: 'archived'
  }
}

let count = 0
for (const [title, { lead, because, ends = 'cleanup_failed' }] of Object.entries(cases)) {
  t.test(`${title}: nothing is removed`, async t => {
    const branch = `kept-${++count}`
    const { id, path } = await harbour.addWorkspace(branch)
    writeFiles(path, 'unfinished.txt')
    const place = await lead({ id, path, branch, harbour })
    if (place !== undefined) await db.updateTable('execution_workspaces').set({ realized_path: place, cwd: place, provider_ref: place }).where('id', '=', id).execute()
    const folders = [path, home, harbour.repo, outside]
    const before = folders.map(folder => listTree(folder))
    const { workspace } = await harbour.archive.archive(localBoard, id)
    t.equal(workspace.status, ends)
    t.match(workspace.cleanupReason, because)
    t.same(folders.map(folder => listTree(folder)), before, 'every file is there')
    // The rows of one case are not to be in the way of the next.
    await db.updateTable('execution_workspaces').set({ realized_path: null, status: 'archived' }).execute()
    await db.deleteFrom('project_workspaces').where('id', '=', id).execute()
  })
}

t.test('a place that a client wrote into the row is not the one that is removed', async t => {
  const { id, path } = await harbour.addWorkspace('patched')
  const elsewhere = writeFiles(join(outside, 'patched'))
  await db.updateTable('execution_workspaces').set({ cwd: elsewhere, provider_ref: elsewhere }).where('id', '=', id).execute()
  t.equal((await harbour.archive.archive(localBoard, id)).workspace.status, 'archived')
  t.same(listTree(elsewhere).length, 1)
  t.notSame(elsewhere, path)
})
