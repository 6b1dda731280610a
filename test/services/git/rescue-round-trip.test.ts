/** Whatever state a worktree is in: archived and restored, it is the same again, byte for byte. */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { attachSnapshot, restoreSnapshot, sameAsSnapshot, takeSnapshot, type RescueSnapshot } from '../../../services/git/rescue.ts'
import { removeWorktree } from '../../../services/git/worktrees.ts'
import { addTestWorktree, commitAll, gitTestEnv, makeRepository, runGit, statusOf, writeFiles, type Files } from '../../fixtures/git.ts'
import { listTree } from '../../fixtures/tree.ts'

const git = createGit({ env: gitTestEnv })

const base: Files = {
  'README.md': '# A test\n',
  'src/a.ts': 'one\n',
  'src/b.ts': 'two\n',
  'bin/run': { content: '#!/bin/sh\n', mode: 0o755 },
  link: { link: 'README.md' },
  '.gitignore': 'node_modules/\n.env*\n*.log\nsecrets/\n'
}

interface Case {
  files?: Files
  /** Prepares the repository before the worktree is added. */
  repository?: (root: string) => void
  /** Brings the worktree into the state under test. */
  change: (tree: string) => void | Promise<void>
  /** Collects garbage in between: what no ref holds is gone then, the snapshot has to stand alone. */
  collect?: true
  /** Ignored names that do not come back, and need not. */
  lost?: RegExp
  check?: (t: Test, snapshot: RescueSnapshot, tree: string) => void
}

const write = (tree: string, name: string, content: string | Buffer) => {
  mkdirSync(join(tree, name, '..'), { recursive: true })
  writeFileSync(join(tree, name), content)
}
const bytes = (tree: string, latin1: string) => Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(latin1, 'latin1')])

function stopsAtConflict (tree: string, ...args: string[]): void {
  try {
    runGit(tree, ...args)
  } catch {
    // That is how a conflict shows; the case is about what it leaves.
    return
  }
  throw new Error('there was no conflict')
}

/** Everything that is compared: status, files, the index with its flags, HEAD. */
function look (tree: string) {
  return { status: statusOf(tree), files: listTree(tree), stages: runGit(tree, 'ls-files', '--stage', '-v', '-z'), head: readFileSync(join(runGit(tree, 'rev-parse', '--absolute-git-dir'), 'HEAD'), 'utf8') }
}

async function roundTrip (t: Test, given: Case) {
  const root = await makeRepository(t, { files: given.files ?? base })
  given.repository?.(root)
  const tree = addTestWorktree(root, 'work/one')
  await given.change(tree)
  const before = look(tree)
  const indexPath = runGit(tree, 'rev-parse', '--path-format=absolute', '--git-path', 'index')
  const readIndex = () => { try { return readFileSync(indexPath) } catch { return null } }
  const index = readIndex()

  const snapshot = await takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: randomUUID() })
  t.same(readIndex(), index, 'the index was not written')
  t.same(listTree(tree), before.files, 'no file was touched')
  t.equal(runGit(root, 'rev-parse', snapshot.ref), snapshot.worktreeCommit, 'the ref points at the snapshot')
  t.same(JSON.parse(JSON.stringify(snapshot)), snapshot, 'the snapshot is plain JSON')

  const aside = `${tree}.aside`
  renameSync(tree, aside)
  t.equal(await sameAsSnapshot(git, { worktreePath: aside, snapshot }), true, 'nothing changed since, seen at its new place')
  rmSync(aside, { recursive: true })
  await removeWorktree(git, { repoRoot: root, path: tree })
  if (snapshot.branch !== null && snapshot.headSha !== null) runGit(root, 'update-ref', '-d', `refs/heads/${snapshot.branch}`)
  if (given.collect === true) {
    runGit(root, 'reflog', 'expire', '--expire=now', '--all')
    runGit(root, 'gc', '--quiet', '--prune=now')
  }

  await attachSnapshot(git, { repoRoot: root, worktreePath: tree, snapshot })
  const result = await restoreSnapshot(git, { repoRoot: root, worktreePath: tree, snapshot })
  const after = look(tree)
  t.equal(after.status, before.status, 'the status is the same to the byte')
  t.same(after.files, before.files.filter(line => given.lost?.test(line) !== true), 'every file is back with its bytes and permissions')
  t.equal(after.stages, before.stages, 'the index is the same')
  t.equal(after.head, before.head, 'HEAD is the same')
  t.same(result.warnings, snapshot.warnings, 'nothing more to say')
  given.check?.(t, snapshot, tree)
}

const cases: Record<string, Case> = {
  'a clean worktree': { change: () => {} },
  'modified, staged, staged and modified again, deleted, staged deletion': {
    collect: true,
    change (tree) {
      write(tree, 'README.md', '# changed\n')
      write(tree, 'src/a.ts', 'staged\n')
      runGit(tree, 'add', 'src/a.ts')
      write(tree, 'src/a.ts', 'and again\n')
      unlinkSync(join(tree, 'link'))
      runGit(tree, 'rm', '--quiet', 'src/b.ts')
      write(tree, 'staged-new', 'new\n')
      runGit(tree, 'add', 'staged-new')
    },
    check (t, snapshot) {
      t.match(snapshot.counts, { staged: 3, modified: 2, deleted: 1, untracked: 0 })
    }
  },
  'a staged new file that is deleted on disk, and one removed from the index but kept': {
    change (tree) {
      write(tree, 'ghost', 'only in the index\n')
      runGit(tree, 'add', 'ghost')
      unlinkSync(join(tree, 'ghost'))
      runGit(tree, 'rm', '--quiet', '--cached', 'src/a.ts')
    }
  },
  'untracked files in folders, empty ones, executable and private ones': {
    change (tree) {
      write(tree, 'new/deep/file.txt', 'x')
      write(tree, 'new/empty', '')
      write(tree, 'new/run.sh', '#!/bin/sh\n')
      chmodSync(join(tree, 'new/run.sh'), 0o755)
      write(tree, 'new/private', 'mine\n')
      chmodSync(join(tree, 'new/private'), 0o600)
    },
    check: (t, snapshot) => { t.equal(snapshot.counts.untracked, 4) }
  },
  'small ignored settings, also inside ignored folders; the rest of the ignored goes': {
    change (tree) {
      write(tree, '.env', 'SECRET=1\n')
      chmodSync(join(tree, '.env'), 0o600)
      write(tree, 'packages/app/.env.local', 'A=1\n')
      write(tree, 'secrets/.env', 'B=1\n')
      symlinkSync('.env', join(tree, '.env.link'))
      write(tree, 'node_modules/.env', 'not mine\n')
      write(tree, 'debug.log', 'noise\n')
    },
    lost: /node_modules|debug\.log/,
    check (t, snapshot) {
      t.same(snapshot.files.map(file => `${file.status} ${file.path}`), ['ignored .env', 'ignored .env.link', 'ignored packages/app/.env.local', 'ignored secrets/.env'])
    }
  },
  'modes and types: made executable, a file that is a link now, a link that is a file now, a folder for a file and back': {
    change (tree) {
      chmodSync(join(tree, 'README.md'), 0o755)
      chmodSync(join(tree, 'bin/run'), 0o644)
      unlinkSync(join(tree, 'link'))
      write(tree, 'link', 'now a file\n')
      unlinkSync(join(tree, 'src/b.ts'))
      symlinkSync('/does/not/exist', join(tree, 'src/b.ts'))
      unlinkSync(join(tree, 'src/a.ts'))
      write(tree, 'src/a.ts/inside', 'a folder now\n')
      rmSync(join(tree, 'bin'), { recursive: true })
      write(tree, 'bin', 'a file now\n')
    }
  },
  'a tracked folder replaced by a link to a copy of it elsewhere': {
    change (tree) {
      renameSync(join(tree, 'src'), join(tree, 'moved'))
      symlinkSync('moved', join(tree, 'src'))
    }
  },
  'a tracked folder replaced by a link to itself, beyond which git can not look': {
    change (tree) {
      rmSync(join(tree, 'src'), { recursive: true })
      symlinkSync('src', join(tree, 'src'))
    }
  },
  'names with spaces, quotes, line ends, backslashes, leading hyphens, emoji and bytes that are no UTF-8': {
    change (tree) {
      for (const name of ['with space', 'quo"te', "apo'strophe", 'line\nend', 'tab\there', 'back\\slash', '-rf', '--help', 'ünï', '🚀', ':(glob)x', '*', 'git~1', ' lead', 'trail ']) {
        writeFileSync(join(tree, name), `${name}\n`)
      }
      writeFileSync(bytes(tree, 'bad\xff\xfe\x80'), 'not UTF-8\n')
      writeFileSync(bytes(tree, 'tracked\xe9'), 'first\n')
      runGit(tree, 'add', '--', 'line\nend', '-rf')
      execFileSync('git', ['add', '--pathspec-from-file=-', '--pathspec-file-nul'], { cwd: tree, env: gitTestEnv, input: Buffer.from('tracked\xe9\0', 'latin1') })
      writeFileSync(bytes(tree, 'tracked\xe9'), 'second\n')
      writeFileSync(join(tree, '-rf'), 'changed\n')
    }
  },
  'commits of its own and a detached HEAD': {
    collect: true,
    change (tree) {
      write(tree, 'src/c.ts', 'three\n')
      commitAll(tree, 'more')
      runGit(tree, 'checkout', '--quiet', '--detach')
      write(tree, 'src/d.ts', 'four\n')
      commitAll(tree, 'detached')
      write(tree, 'src/d.ts', 'five\n')
    },
    check: (t, snapshot) => { t.equal(snapshot.branch, null) }
  },
  'another branch than the one it was made with': {
    change (tree) {
      runGit(tree, 'switch', '--quiet', '--create', 'drifted')
      write(tree, 'README.md', 'drift\n')
    },
    check: (t, snapshot) => { t.equal(snapshot.branch, 'drifted') }
  },
  'an unborn branch with files staged, modified and untracked': {
    collect: true,
    change (tree) {
      runGit(tree, 'switch', '--quiet', '--orphan', 'fresh')
      write(tree, 'first.txt', 'one\n')
      runGit(tree, 'add', 'first.txt')
      write(tree, 'first.txt', 'two\n')
      write(tree, 'second.txt', 'two\n')
    },
    check (t, snapshot) {
      t.equal(snapshot.headSha, null)
      t.equal(snapshot.branch, 'fresh')
    }
  },
  'files announced by add -N, one of them deleted again': {
    collect: true,
    change (tree) {
      write(tree, 'announced', 'later\n')
      write(tree, 'announced-gone', 'later\n')
      runGit(tree, 'add', '--intent-to-add', 'announced', 'announced-gone')
      unlinkSync(join(tree, 'announced-gone'))
    }
  },
  'changes that status does not show: assume-unchanged and skip-worktree': {
    change (tree) {
      runGit(tree, 'update-index', '--assume-unchanged', 'src/a.ts')
      runGit(tree, 'update-index', '--skip-worktree', 'src/b.ts', 'README.md')
      write(tree, 'src/a.ts', 'hidden change\n')
      write(tree, 'src/b.ts', 'hidden too\n')
      unlinkSync(join(tree, 'README.md'))
    }
  },
  'no index at all': {
    change (tree) { unlinkSync(runGit(tree, 'rev-parse', '--path-format=absolute', '--git-path', 'index')) }
  },
  'a split index': {
    change (tree) {
      write(tree, 'src/a.ts', 'staged\n')
      runGit(tree, 'add', 'src/a.ts')
      runGit(tree, 'update-index', '--split-index')
      write(tree, 'src/b.ts', 'staged\n')
      runGit(tree, 'add', 'src/b.ts')
    }
  },
  'a merge in conflict': {
    collect: true,
    repository (root) {
      runGit(root, 'switch', '--quiet', '--create', 'other')
      writeFileSync(join(root, 'src/a.ts'), 'theirs\n')
      rmSync(join(root, 'src/b.ts'))
      commitAll(root, 'theirs')
      runGit(root, 'switch', '--quiet', 'main')
    },
    change (tree) {
      write(tree, 'src/a.ts', 'ours\n')
      write(tree, 'src/b.ts', 'ours\n')
      commitAll(tree, 'ours')
      stopsAtConflict(tree, 'merge', 'other')
      write(tree, 'src/a.ts', 'half resolved\n')
    },
    check (t, snapshot, tree) {
      t.equal(snapshot.counts.conflicted, 2)
      runGit(tree, 'add', '--all')
      runGit(tree, 'commit', '--quiet', '--no-edit')
      t.equal(runGit(tree, 'rev-list', '--parents', '--max-count=1', 'HEAD').split(' ').length, 3, 'the merge can be finished')
    }
  },
  'a rebase in the middle, with an autostash': {
    collect: true,
    repository (root) {
      writeFileSync(join(root, 'src/a.ts'), 'upstream\n')
      commitAll(root, 'upstream')
    },
    change (tree) {
      runGit(tree, 'reset', '--quiet', '--hard', 'HEAD~1')
      write(tree, 'src/a.ts', 'mine\n')
      commitAll(tree, 'mine')
      write(tree, 'README.md', 'not committed\n')
      stopsAtConflict(tree, 'rebase', '--autostash', 'main')
    },
    check (t, _snapshot, tree) {
      runGit(tree, 'checkout', '--theirs', 'src/a.ts')
      runGit(tree, 'add', 'src/a.ts')
      runGit(tree, '-c', 'core.editor=true', 'rebase', '--continue')
      t.equal(readFileSync(join(tree, 'README.md'), 'utf8'), 'not committed\n', 'the autostash was still there')
    }
  },
  "refs and drafts that are this worktree's alone": {
    collect: true,
    change (tree) {
      runGit(tree, 'commit', '--quiet', '--allow-empty', '--message', 'only a ref of the user keeps this')
      runGit(tree, 'update-ref', 'KEPT_HEAD', 'HEAD')
      runGit(tree, 'reset', '--quiet', '--hard', 'HEAD~1')
      writeFileSync(runGit(tree, 'rev-parse', '--path-format=absolute', '--git-path', 'COMMIT_EDITMSG'), 'a long message of a commit that failed\n')
      runGit(tree, 'notes', '--ref=one', 'add', '--message', 'one')
      runGit(tree, 'notes', '--ref=two', 'add', '--message', 'two')
      stopsAtConflict(tree, 'notes', '--ref=one', 'merge', 'two')
      runGit(tree, 'bisect', 'start', '--no-checkout', 'HEAD')
      runGit(tree, 'update-ref', '--no-deref', 'BISECT_HEAD', 'HEAD')
    },
    check (t, _snapshot, tree) {
      t.equal(runGit(tree, 'log', '--max-count=1', '--format=%s', 'KEPT_HEAD'), 'only a ref of the user keeps this')
      t.equal(readFileSync(runGit(tree, 'rev-parse', '--path-format=absolute', '--git-path', 'COMMIT_EDITMSG'), 'utf8'), 'a long message of a commit that failed\n')
      t.equal(runGit(tree, 'rev-parse', 'BISECT_HEAD'), runGit(tree, 'rev-parse', 'HEAD'))
      runGit(tree, 'notes', 'merge', '--commit')
    }
  },
  'names that differ only in case, where git was told not to tell them apart': {
    repository (root) { runGit(root, 'config', 'core.ignoreCase', 'true') },
    change (tree) {
      write(tree, 'readme.md', 'another file\n')
      write(tree, 'SRC/a.ts', 'in another folder\n')
    },
    check (t, snapshot) { t.equal(snapshot.counts.untracked, 2) }
  },
  'line ends that git would change on the way': {
    files: { ...base, '.gitattributes': '*.txt text\n*.crlf text eol=crlf\n', 'a.txt': 'a\nb\n', 'c.crlf': 'x\ny\n' },
    change (tree) {
      write(tree, 'a.txt', 'a\r\nb\r\n')
      write(tree, 'c.crlf', 'x\ny\n')
      write(tree, 'new.txt', 'mixed\r\nends\n')
      write(tree, 'new.crlf', 'bare\n')
    }
  },
  'core.autocrlf set by the user': {
    repository (root) { runGit(root, 'config', 'core.autocrlf', 'true') },
    change (tree) {
      write(tree, 'README.md', '# A test\n')
      write(tree, 'src/a.ts', 'one more\r\n')
      write(tree, 'new', 'a\r\nb\n')
    }
  },
  'a filter that changes what is stored': {
    repository (root) {
      runGit(root, 'config', 'filter.upper.clean', 'tr a-z A-Z')
      runGit(root, 'config', 'filter.upper.smudge', 'tr A-Z a-z')
      writeFileSync(join(root, '.gitattributes'), '*.up filter=upper\n')
      writeFileSync(join(root, 'x.up'), 'Mixed Case\n')
      commitAll(root, 'filtered')
    },
    change (tree) {
      write(tree, 'x.up', 'mIXED cASE\n')
      write(tree, 'y.up', 'New\n')
    }
  },
  'a large file that a filter makes from little is left to the filter': {
    repository (root) {
      runGit(root, 'config', 'filter.big.clean', 'head -c 1')
      runGit(root, 'config', 'filter.big.smudge', 'head -c 2000000 /dev/zero')
      writeFileSync(join(root, '.gitattributes'), '*.big filter=big\n')
      writeFileSync(join(root, 'x.big'), Buffer.alloc(2_000_000))
      commitAll(root, 'large')
    },
    change (tree) { write(tree, 'README.md', 'changed\n') },
    check (t, snapshot, tree) {
      t.equal(runGit(tree, 'cat-file', '-s', `${snapshot.worktreeCommit}:x.big`), '1', 'it was not stored a second time')
    }
  },
  'file modes that git was told to overlook': {
    repository (root) { runGit(root, 'config', 'core.fileMode', 'false') },
    change (tree) { chmodSync(join(tree, 'src/a.ts'), 0o755) }
  },
  'files larger than any buffer, binary ones too': {
    change (tree) {
      write(tree, 'large.bin', Buffer.alloc(5_000_000, Buffer.from([0, 1, 10, 13, 255])))
      write(tree, 'src/a.ts', Buffer.alloc(1_500_000, 'z'))
    }
  },
  'many untracked files': {
    change: tree => writeFiles(tree, Object.fromEntries(Array.from({ length: 510 }, (_, n) => [`many/${n % 7}/${n}.txt`, `${n}\n`]))),
    check (t, snapshot) {
      t.equal(snapshot.fileCount, 510)
      t.equal(snapshot.files.length, 500, 'the list is cut')
    }
  }
}

for (const [title, given] of Object.entries(cases)) t.test(`${title}: comes back`, async t => { await roundTrip(t, given) })

t.test('a repository with SHA-256 ids: comes back', async t => {
  const folder = join(await makeRepository(t), '..')
  const root = join(folder, 'sha256')
  runGit(folder, 'init', '--quiet', '--object-format=sha256', '--initial-branch=main', root)
  await writeFiles(root, base)
  commitAll(root, 'first')
  const tree = addTestWorktree(root, 'work')
  write(tree, 'src/a.ts', 'changed\n')
  write(tree, 'new', 'new\n')
  runGit(tree, 'add', 'new')
  const before = look(tree)
  const snapshot = await takeSnapshot(git, { repoRoot: root, worktreePath: tree, workspaceId: 'w' })
  rmSync(tree, { recursive: true })
  await attachSnapshot(git, { repoRoot: root, worktreePath: tree, snapshot })
  await restoreSnapshot(git, { repoRoot: root, worktreePath: tree, snapshot })
  t.same(look(tree), before)
})
