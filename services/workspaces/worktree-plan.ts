/** Looks where the worktree of a branch is or should be, and whether it may be made or used; changes nothing. */
import { constants, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { sql, type SqlBool } from 'kysely'
import type { Db } from '../../db/client.ts'
import { findWorktreeHolders } from '../../db/execution-workspaces.ts'
import type { Git } from '../git/exec.ts'
import { branchExists, findOwnerRepository, listWorktrees, type OwnerRepository, type Worktree } from '../git/worktrees.ts'
import { NoLocalPath, PathNotAllowed, RepositoryUnusable, WorktreeMismatch, WorktreeTaken, type Problem } from '../errors.ts'
import { exists, isAbsence, isDirectory, nearestExisting, realPathOf } from './local-paths.ts'
import type { StoredStrategy } from './strategy.ts'
import { isBelow, reasonAgainst, worktreeFolder } from './worktree-path.ts'

export interface WorktreeWish {
  companyId: string
  projectId: string
  /** The workspace it is for, null before its row is there. */
  workspaceId: string | null
  /** Folder of the project workspace. */
  checkout: string
  branch: string
  strategy: StoredStrategy
  /** A worktree that another live workspace uses may be shared. */
  reuse: boolean
  /** The repository of `checkout`, where it was found a moment ago. */
  owner?: OwnerRepository | undefined
}

/** `create`: branch and folder are made; `attach`: the branch is there, the folder is made; `reuse`: both are there. */
export interface WorktreePlan {
  kind: 'create' | 'attach' | 'reuse'
  /** Real path of the worktree. */
  path: string
  owner: OwnerRepository
}

export interface PlannerDeps {
  db: Db
  git: Git
  hostId: string
  dataDir: string
  /** Empty: anywhere. */
  allowedRoots: readonly string[]
  homeDir?: string
}

export interface WorktreePlanner {
  /**
   * @throws RepositoryUnusable, WorktreeMismatch, PathNotAllowed, NoLocalPath (422); WorktreeTaken (409) naming the other workspace
   */
  plan (wish: WorktreeWish): Promise<WorktreePlan>
}

export function createWorktreePlanner (deps: PlannerDeps): WorktreePlanner {
  return {
    async plan (wish) {
      await refuseMovedCheckout(deps, wish.checkout)
      const owner = wish.owner ?? await ownerOf(deps.git, wish.checkout)
      const [wanted, all, hasBranch] = await Promise.all([
        wantedFolder(deps, wish, owner), listWorktrees(deps.git, owner.root), branchExists(deps.git, owner.root, wish.branch)
      ])
      const worktrees = all.filter(({ bare }) => !bare)
      const elsewhere = await checkedOutElsewhere(worktrees, wish.branch, wanted)
      const path = elsewhere ?? wanted
      await refuseProjectFolders(deps.db, wish, owner, path)
      await refuseForeignPlace(deps, owner, path)
      await requireOwnRepository(deps.git, owner)
      await refuseTaken(deps, wish, path)
      if (await exists(path)) {
        await requireWorktree(deps.git, worktrees, path, wish.branch)
        return { kind: 'reuse', path, owner }
      }
      return { kind: hasBranch ? 'attach' : 'create', path, owner }
    }
  }
}

/**
 * The repository of a project workspace's folder.
 * @throws NoLocalPath, RepositoryUnusable (422)
 */
export async function ownerOf (git: Git, checkout: string): Promise<OwnerRepository> {
  if (!await isDirectory(checkout)) throw new NoLocalPath(`The project workspace's folder ${checkout} is not there.`)
  return await findOwnerRepository(git, checkout)
}

/** The checkout was inside the allowed folders when it was recorded; a symlink may lead elsewhere by now. */
async function refuseMovedCheckout ({ allowedRoots }: PlannerDeps, checkout: string): Promise<void> {
  if (allowedRoots.length === 0) return
  const [real, ...roots] = await Promise.all([checkout, ...allowedRoots].map(realPathOf)) as [string, ...string[]]
  if (roots.some(root => real === root || isBelow(root, real))) return
  throw new PathNotAllowed(`The project workspace's folder ${checkout} lies in none of the allowed folders (BERTH_ALLOWED_ROOTS).`)
}

async function wantedFolder ({ dataDir, homeDir = homedir() }: PlannerDeps, wish: WorktreeWish, owner: OwnerRepository): Promise<string> {
  return await realPathOf(worktreeFolder({
    parentDir: wish.strategy.worktreeParentDir ?? null,
    dataDir,
    projectId: wish.projectId,
    repoRoot: owner.root,
    homeDir,
    branch: wish.branch
  }))
}

/** Another folder that is there and has the branch checked out, as a real path. */
async function checkedOutElsewhere (worktrees: readonly Worktree[], branch: string, wanted: string): Promise<string | null> {
  for (const worktree of worktrees.filter(one => one.branch === branch)) {
    const path = await realOrNull(worktree.path)
    if (path !== null && path !== wanted) return path
  }
  return null
}

async function realOrNull (path: string): Promise<string | null> {
  try {
    return await realpath(path)
  } catch (error) {
    if (isAbsence(error)) return null
    throw error
  }
}

/** Isolated work never ends up in a checkout that is a project workspace, or in the repository's own. */
async function refuseProjectFolders (db: Db, wish: WorktreeWish, owner: OwnerRepository, path: string): Promise<void> {
  const standing = await Promise.all([wish.checkout, owner.root, owner.topLevel].map(realPathOf))
  const known = await db.selectFrom('project_workspaces').select('cwd')
    .where(eb => eb.or([eb('cwd', '=', path), sql<SqlBool>`starts_with(cwd, ${`${path}/`})`]))
    .limit(1).execute()
  if (known.length > 0 || standing.some(folder => folder === path || isBelow(path, folder))) {
    throw new WorktreeTaken(`The branch ${wish.branch} is checked out at ${path}, which is or holds a project workspace or the repository itself. Isolated work needs another branch.`)
  }
}

async function refuseTaken ({ db, hostId }: PlannerDeps, wish: WorktreeWish, path: string): Promise<void> {
  if (wish.reuse) return
  const [other] = await findWorktreeHolders(db, hostId, path, wish.workspaceId)
  if (other !== undefined) throw worktreeTaken(path, other.company_id === wish.companyId ? other : null)
}

/** The 409 that names the other workspace, where the client may know of it. */
export function worktreeTaken (path: string, other: { id: string, name: string } | null): Problem {
  const who = other === null ? 'another workspace' : `workspace ${other.id} (${other.name})`
  return new WorktreeTaken(`The worktree ${path} belongs to ${who}. Archive that one, choose another branch, or say \`reuse: true\` to share it.`, {
    members: other === null ? {} : { workspaceId: other.id }
  })
}

async function refuseForeignPlace ({ git, dataDir, allowedRoots, homeDir = homedir() }: PlannerDeps, owner: OwnerRepository, path: string): Promise<void> {
  const [repoRoot, gitDir, data, home] = await Promise.all([owner.root, owner.commonDir, dataDir, homeDir].map(realPathOf)) as [string, string, string, string]
  const reason = reasonAgainst(path, { projectFolders: [], repoRoot, gitDir, dataDir: data, homeDir: home })
  if (reason !== null) throw new PathNotAllowed(`A worktree can not be made there: ${reason}.`)
  await requireWritable(git, await nearestExisting(path))
  if (allowedRoots.length === 0) return
  const roots = await Promise.all([...allowedRoots, dataDir, owner.root].map(realPathOf))
  if (!roots.some(root => isBelow(root, path))) {
    throw new PathNotAllowed(`A worktree can not be made at ${path}: it lies in none of the allowed folders.`)
  }
}

/** What is above the place must be a folder in which something can be made. */
async function requireWritable (git: Git, path: string): Promise<void> {
  if (!await isDirectory(path)) throw new PathNotAllowed(`A worktree can not be made there: ${path} is not a folder.`)
  const problem = await whyNotWritable(git, path)
  if (problem !== null) throw new PathNotAllowed(`A worktree can not be made there: ${problem}.`)
}

/** Where git runs as a user of its own, that one must be able to write what a new worktree adds to the repository. */
async function requireOwnRepository (git: Git, { commonDir }: OwnerRepository): Promise<void> {
  if (git.user === null) return
  for (const path of [commonDir, ...['objects', 'refs', 'worktrees'].map(name => join(commonDir, name))]) {
    const problem = await exists(path) ? await whyNotWritable(git, path) : null
    if (problem !== null) throw new PathNotAllowed(`Worktrees of this repository can not be made: ${problem}.`)
  }
}

/** Null when whoever runs git can make something in the folder, else a clause that says who can't. */
export async function whyNotWritable ({ files, user }: Git, path: string): Promise<string | null> {
  try {
    await files.access(path, constants.W_OK | constants.X_OK)
    return null
  } catch (error) {
    if (!isSystemError(error)) throw error
    return user === null ? `there is no permission to write in ${path}` : `commands run as ${user.name} (BERTH_CHILD_USER), who may not write in ${path}`
  }
}

const isSystemError = (error: unknown) => error instanceof Error && 'code' in error

/** An existing folder is used only when git itself says that it is this branch's worktree. */
async function requireWorktree (git: Git, worktrees: readonly Worktree[], path: string, branch: string): Promise<void> {
  const mismatch = (why: string): Problem => new WorktreeMismatch(`${path} is there already, but ${why}. Nothing was touched.`)
  const listed = await Promise.all(worktrees.map(async worktree => ({ worktree, real: await realOrNull(worktree.path) })))
  const found = listed.find(({ real }) => real === path)?.worktree
  if (found === undefined) throw mismatch('it is no worktree of this repository')
  if (found.branch !== branch) {
    throw mismatch(found.branch === null ? `its HEAD is detached, not on ${branch}` : `it is on ${found.branch}, not on ${branch}`)
  }
  const topLevel = await topLevelOf(git, path)
  if (topLevel === null || await realPathOf(topLevel) !== path) throw mismatch('git does not take it for the top of a worktree')
}

async function topLevelOf (git: Git, path: string): Promise<string | null> {
  try {
    return (await findOwnerRepository(git, path)).topLevel
  } catch (error) {
    // A folder git can't make sense of is exactly what this asks about.
    if (error instanceof RepositoryUnusable) return null
    throw error
  }
}
